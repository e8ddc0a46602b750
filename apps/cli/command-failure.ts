import { PlatformError } from '#libs/kernel';
import { describeProblem, PipelineInvalidError } from '#libs/pipeline';
import { ConfigurationInvalidError } from '#libs/platform';
import { EXIT_CODE, type ExitCode } from './exit-code.js';
import type { Terminal } from './terminal.js';

/** Says why a command could not do its work. @throws the error itself where it is none of ours: a defect */
export function failWith(error: unknown, terminal: Terminal): ExitCode {
  if (error instanceof PipelineInvalidError) {
    for (const problem of error.problems) terminal.complain(describeProblem(problem));
    return EXIT_CODE.refused;
  }
  if (!(error instanceof PlatformError)) throw error;
  terminal.complain(`${error.code}: ${error.message}`);
  if (error instanceof ConfigurationInvalidError) return EXIT_CODE.usage;
  return error.retry === 'backoff' ? EXIT_CODE.unavailable : EXIT_CODE.refused;
}

/** What is wrong with a file that was given, a line each. @throws the error itself where it is none of ours */
export function complaintsOf(error: unknown): readonly string[] {
  if (error instanceof PipelineInvalidError) return error.problems.map(describeProblem);
  if (error instanceof PlatformError) return [error.message];
  throw error;
}
