import { type Failpoint, FAILPOINTS, type Fence, FENCES } from '#libs/functions';
import { parseDuration } from '#libs/kernel';

// How the text of a setting is read. Each throws a RangeError that says what is wanted.

export function parseText(text: string): string {
  return text;
}

export function parseBoolean(text: string): boolean {
  if (text === 'true' || text === '1') return true;
  if (text === 'false' || text === '0') return false;
  throw new RangeError('true or false');
}

export function parsePort(text: string): number {
  const port = Number(text);
  if (!/^\d+$/.test(text) || port > 65_535) throw new RangeError('a port, 0 to 65535');
  return port;
}

/** Nobody guesses what is long and random; what is short is neither. */
export function parseAdminKey(text: string): string {
  if (!/^[\x21-\x7e]{32,}$/.test(text)) throw new RangeError('32 visible ASCII characters or more');
  return text;
}

export function parseCount(text: string): number {
  if (!/^[1-9]\d{0,14}$/.test(text)) throw new RangeError('a whole number above 0');
  return Number(text);
}

/** `https://shop.example,http://localhost:8080`, or `*`. */
export function parseOrigins(text: string): readonly string[] {
  const origins = text
    .split(',')
    .map((each) => each.trim())
    .filter((each) => each !== '');
  for (const origin of origins) {
    if (origin !== '*' && URL.parse(origin)?.origin !== origin)
      throw new RangeError('origins such as https://shop.example, without a path, separated by commas, or *');
  }
  return origins;
}

const BYTE_UNITS: Readonly<Record<string, number>> = {
  '': 1,
  KIB: 2 ** 10,
  MIB: 2 ** 20,
  GIB: 2 ** 30,
  TIB: 2 ** 40,
};

/** `2GiB`, `512MiB` or a plain number of bytes; at least 16 MiB. */
export function parseBytes(text: string): number {
  const [, amount, unit] = /^(\d+) ?([A-Za-z]*)$/.exec(text) ?? [];
  const bytes = Number(amount) * (BYTE_UNITS[unit?.toUpperCase() ?? ''] ?? NaN);
  if (!(bytes >= 16 * 2 ** 20)) throw new RangeError('a size such as 2GiB or 512MiB, at least 16MiB');
  return bytes;
}

export function parseDurationMs(text: string): number {
  try {
    return parseDuration(text);
  } catch {
    throw new RangeError('a duration such as 100ms, 10s or 5m');
  }
}

/** Both ends may be. A timer of more than 24 days would fire at once. */
export function parseDurationBetween(least: string, most: string): (text: string) => number {
  return (text) => {
    const durationMs = parseDurationMs(text);
    if (durationMs < parseDuration(least) || durationMs > parseDuration(most))
      throw new RangeError(`a duration from ${least} to ${most}, such as 100ms, 10s or 5m`);
    return durationMs;
  };
}

export function parseName(text: string): string {
  if (!/^[A-Za-z0-9_-]+$/.test(text)) throw new RangeError('a name of letters, digits, _ and -');
  return text;
}

export function parseOneOf<const T extends string>(choices: readonly T[]): (text: string) => T {
  return (text) => {
    const choice = choices.find((candidate) => candidate === text);
    if (choice === undefined) throw new RangeError(`one of ${choices.join(', ')}`);
    return choice;
  };
}

/** `web/local/1=30s,web/local/2=5s`: task name → milliseconds. */
export function parseHolds(text: string): ReadonlyMap<string, number> {
  const holds = new Map<string, number>();
  for (const part of text.split(',').filter((item) => item !== '')) {
    const [task, duration, ...rest] = part.split('=');
    if (task === undefined || duration === undefined || rest.length > 0) {
      throw new RangeError('tasks with durations, e.g. web/local/1=30s');
    }
    holds.set(task.trim(), parseDurationMs(duration.trim()));
  }
  return holds;
}

/** How long rows are kept, by `pipeline/series`; by the empty text: of all others. */
export type Retention = ReadonlyMap<string, number>;

/** `400d`, or by series: `web/requests_per_minute=400d,web/sessions=90d`. */
export function parseRetention(text: string): Retention {
  const parts = text.split(',').filter((item) => item !== '');
  return new Map(
    parts.map((part) => {
      const [, series = '', duration = ''] = /^(?:([^=]+)=)?(.+)$/.exec(part.trim()) ?? [];
      const keptMs = parseDurationMs(duration);
      if (keptMs < 1_000) throw new RangeError('durations of 1s or more, e.g. 400d or web/sessions=90d');
      return [series, keptMs];
    }),
  );
}

/** Where a process is to kill itself. */
export interface FailpointPassing {
  readonly point: Failpoint;
  /** Name of the task whose passings count; undefined: those of all. */
  readonly task: string | undefined;
  /** The how many-th passing, from 1. */
  readonly passing: number;
}

/** `after-commit:3,web/local/1@after-apply`: at the third commit of any task, or when one task has applied a message. */
export function parseFailpoints(text: string): readonly FailpointPassing[] {
  return text
    .split(',')
    .filter((item) => item !== '')
    .map((item) => parseFailpoint(item.trim()));
}

function parseFailpoint(item: string): FailpointPassing {
  const [, task, name, passing = '1'] = /^(?:([^@]+)@)?([a-z-]+)(?::(\d+))?$/.exec(item) ?? [];
  const point = FAILPOINTS.find((known) => known === name);
  if (point === undefined || Number(passing) < 1) {
    throw new RangeError(`[task@]point[:passing], with one of the points ${FAILPOINTS.join(', ')}`);
  }
  return { point, task, passing: Number(passing) };
}

/** `covered-check,public-tail` */
export function parseFences(text: string): ReadonlySet<Fence> {
  const parseFence = parseOneOf(FENCES);
  const names = text.split(',').filter((item) => item !== '');
  return new Set(names.map((name) => parseFence(name.trim())));
}
