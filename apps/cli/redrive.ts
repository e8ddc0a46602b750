import { isJsonObject, type JsonObject } from '#libs/kernel';
import { EXIT_CODE, type ExitCode } from './exit-code.js';
import { noMillrace, postToServer } from './server-answer.js';
import type { Terminal } from './terminal.js';

export interface RedriveOptions {
  /** Of the dashboard or standalone, e.g. `http://127.0.0.1:3000`. */
  readonly url: string;
  readonly pipeline?: string;
  readonly stream?: string;
  readonly code?: string;
  readonly from?: string;
  readonly to?: string;
  /** At most so many are sent, 1 to 10,000. */
  readonly limit: number;
  readonly dryRun?: boolean;
  /** The whole answer as JSON. */
  readonly json?: boolean;
}

/** Sends dead letters again: those named, or those that the options choose. */
export async function redrive(
  ids: readonly string[],
  options: RedriveOptions,
  terminal: Terminal,
): Promise<ExitCode> {
  const route = new URL('/v1/dead-letters/redrive', options.url);
  const { pipeline, stream, code, from, to, limit, dryRun = false } = options;
  if (ids.length === 0 && pipeline === undefined) {
    terminal.complain('say which: ids of dead letters, or --pipeline with further filters');
    return EXIT_CODE.usage;
  }
  const chosen = ids.length > 0 ? { ids } : { filter: given({ pipeline, stream, code, from, to }) };
  const answer = await postToServer(route, { ...chosen, limit, dryRun });
  if ('problem' in answer) {
    terminal.complain(answer.problem);
    return EXIT_CODE.unavailable;
  }
  if (typeof answer.body['sent'] !== 'number') {
    terminal.complain(noMillrace(route));
    return EXIT_CODE.unavailable;
  }
  terminal.out(options.json === true ? JSON.stringify(answer.body) : describe(answer.body));
  return EXIT_CODE.done;
}

function given(filter: Readonly<Record<string, string | undefined>>): JsonObject {
  return Object.fromEntries(
    Object.entries(filter).filter((entry): entry is [string, string] => entry[1] !== undefined),
  );
}

function describe({ dryRun, sent, alreadySent, notRedrivable, problems, more }: JsonObject): string {
  const head = `${String(sent)} ${dryRun === true ? 'would be sent' : 'sent'} again`;
  const before = `${String(alreadySent)} sent before`;
  const lines = [`${head}, ${before}, ${String(notRedrivable)} can't be sent`];
  for (const problem of Array.isArray(problems) ? problems.filter(isJsonObject) : [])
    lines.push(`${String(problem['id'])}: ${String(problem['code'])}: ${String(problem['reason'])}`);
  if (more === true) lines.push('there may be more: run it again, or raise --limit');
  return lines.join('\n');
}
