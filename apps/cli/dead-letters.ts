import { isJsonObject, type JsonObject } from '#libs/kernel';
import { EXIT_CODE, type ExitCode } from './exit-code.js';
import { askServer, noMillrace } from './server-answer.js';
import type { Terminal } from './terminal.js';

export interface DeadLettersOptions {
  /** Of the dashboard or standalone, e.g. `http://127.0.0.1:3000`. */
  readonly url: string;
  readonly pipeline?: string;
  readonly stream?: string;
  readonly code?: string;
  /** At most so many, newest first; 1 to 1,000. */
  readonly limit: number;
  /** One JSON object a line instead of text. */
  readonly json?: boolean;
}

/** Lists what could not be processed. */
export async function deadLetters(options: DeadLettersOptions, terminal: Terminal): Promise<ExitCode> {
  const answer = await ask(routeOf(options));
  if ('problem' in answer) {
    terminal.complain(answer.problem);
    return EXIT_CODE.unavailable;
  }
  for (const letter of answer.letters)
    terminal.out(options.json === true ? JSON.stringify(letter) : describe(letter));
  if (options.json !== true) terminal.out(summary(answer));
  return EXIT_CODE.done;
}

/** Prints everything about one. */
export async function showDeadLetter(
  id: string,
  { url }: { readonly url: string },
  terminal: Terminal,
): Promise<ExitCode> {
  const route = new URL('/v1/dead-letters', url);
  route.searchParams.set('id', id);
  const answer = await ask(route);
  if ('problem' in answer) {
    terminal.complain(answer.problem);
    return EXIT_CODE.unavailable;
  }
  const [letter] = answer.letters;
  if (letter === undefined) {
    terminal.complain(`there is no dead letter '${id}'`);
    return EXIT_CODE.refused;
  }
  terminal.out(JSON.stringify(letter, undefined, 2));
  return EXIT_CODE.done;
}

interface Found {
  readonly letters: readonly JsonObject[];
  readonly hasMore: boolean;
}

function routeOf({ url, pipeline, stream, code, limit }: DeadLettersOptions): URL {
  const route = new URL('/v1/dead-letters', url);
  route.searchParams.set('limit', String(limit));
  if (pipeline !== undefined) route.searchParams.set('pipeline', pipeline);
  if (stream !== undefined) route.searchParams.set('stream', stream);
  if (code !== undefined) route.searchParams.set('code', code);
  return route;
}

async function ask(route: URL): Promise<Found | { readonly problem: string }> {
  const answer = await askServer(route);
  if ('problem' in answer) return answer;
  const { deadLetters: letters, nextCursor } = answer.body;
  if (!Array.isArray(letters)) return { problem: noMillrace(route) };
  return { letters: letters.filter(isJsonObject), hasMore: typeof nextCursor === 'string' };
}

/** `2026-11-22T07:00:00.000Z demo LINE_UNPARSABLE line 3: the reason | the original` */
function describe(letter: JsonObject): string {
  const dead = isJsonObject(letter['dead']) ? letter['dead'] : letter;
  const shown = (value: unknown): string => (value === undefined || value === null ? '' : String(value));
  const place = placeOf(dead);
  const sent = letter['sentAgain'] === undefined ? '' : '(sent again)';
  const head = [letter['time'], letter['stream'], dead['code'] ?? letter['code'], place, sent]
    .map(shown)
    .filter(Boolean);
  const original = shown(dead['original']).replaceAll(/\s+/g, ' ').slice(0, MAX_SHOWN_ORIGINAL);
  return `${head.join(' ')}: ${shown(dead['reason'])}${original === '' ? '' : ` | ${original}`}`;
}

/** Enough to recognise a line. */
const MAX_SHOWN_ORIGINAL = 120;

function placeOf(dead: JsonObject): string {
  if (typeof dead['line'] === 'number') return `line ${dead['line']}`;
  return typeof dead['index'] === 'number' ? `index ${dead['index']}` : '';
}

function summary({ letters, hasMore }: Found): string {
  if (letters.length === 0) return 'no dead letters';
  const count = `${letters.length} dead letter${letters.length === 1 ? '' : 's'}`;
  return hasMore ? `${count}, and older ones: --limit shows more` : count;
}
