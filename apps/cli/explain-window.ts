import { isJsonObject } from '#libs/kernel';
import { EXIT_CODE, type ExitCode } from './exit-code.js';
import { askServer, noMillrace } from './server-answer.js';
import type { Terminal } from './terminal.js';

export interface ExplainWindowOptions {
  /** Of the dashboard or standalone, e.g. `http://127.0.0.1:3000`. */
  readonly url: string;
  readonly series: string;
  readonly stream: string;
  /** Absent: the one pipeline that has such a series. */
  readonly pipeline?: string;
  /** ISO 8601 or epoch milliseconds. Absent: the oldest window that is open. */
  readonly windowStart?: string;
  /** The whole answer as JSON instead of text. */
  readonly json?: boolean;
}

/** Says why a window is still open. */
export async function explainWindow(options: ExplainWindowOptions, terminal: Terminal): Promise<ExitCode> {
  const pipeline = options.pipeline === undefined ? await pipelineOf(options) : { name: options.pipeline };
  const answer = 'problem' in pipeline ? pipeline : await askServer(routeOf(options, pipeline.name));
  if ('problem' in answer) {
    terminal.complain(answer.problem);
    return EXIT_CODE.unavailable;
  }
  const { text } = answer.body;
  if (typeof text !== 'string') {
    terminal.complain(noMillrace(new URL(options.url)));
    return EXIT_CODE.unavailable;
  }
  terminal.out(options.json === true ? JSON.stringify(answer.body, undefined, 2) : text);
  return EXIT_CODE.done;
}

async function pipelineOf({
  url,
  series,
}: ExplainWindowOptions): Promise<{ readonly name: string } | { readonly problem: string }> {
  const route = new URL('/v1/series', url);
  const answer = await askServer(route);
  if ('problem' in answer) return answer;
  const { series: all } = answer.body;
  if (!Array.isArray(all)) return { problem: noMillrace(route) };
  const known = all.filter(isJsonObject);
  const names = known.filter((one) => one['series'] === series).map((one) => String(one['pipeline']));
  const [name, ...others] = names;
  if (name === undefined) {
    return {
      problem: `there is no series ${series}; there are ${[...new Set(known.map((one) => String(one['series'])))].join(', ')}`,
    };
  }
  return others.length === 0
    ? { name }
    : { problem: `several pipelines have a series ${series}: say --pipeline, one of ${names.join(', ')}` };
}

function routeOf({ url, series, stream, windowStart }: ExplainWindowOptions, pipeline: string): URL {
  const route = new URL(`/v1/pipelines/${encodeURIComponent(pipeline)}/windows/explain`, url);
  route.searchParams.set('series', series);
  route.searchParams.set('stream', stream);
  if (windowStart !== undefined) route.searchParams.set('windowStart', windowStart);
  return route;
}
