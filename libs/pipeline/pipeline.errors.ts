import { PlatformError, type RetryAdvice } from '#libs/kernel';

/** One thing that is wrong with a pipeline file. */
export interface PipelineProblem {
  readonly file: string;
  /** From 1. */
  readonly line: number;
  /** From 1, in characters. */
  readonly column: number;
  /** Where in the document: `spec.aggregate[0].window.tumbling`; empty: all of it. */
  readonly path: string;
  readonly found: string;
  readonly wanted: string;
}

/** A pipeline file cannot be used. Carries all that is wrong with it, in the order of the file. */
export class PipelineInvalidError extends PlatformError {
  readonly code = 'PIPELINE_INVALID';
  readonly retry: RetryAdvice = 'never';

  constructor(readonly problems: readonly PipelineProblem[]) {
    super(problems.map(describeProblem).join('\n'), { context: { problems } });
  }
}

/** `web.yaml:12:5 spec.partitions: found 0, wanted a whole number from 1 to 256` */
export function describeProblem(problem: PipelineProblem): string {
  const { file, line, column, path, found, wanted } = problem;
  const place = path === '' ? `${file}:${line}:${column}` : `${file}:${line}:${column} ${path}`;
  return `${place}: found ${found}, wanted ${wanted}`;
}
