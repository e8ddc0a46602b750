import { isStreamName, STREAM_NAME_RULE } from '#libs/kernel';
import { ParameterInvalidError, ParameterUnknownError } from './dashboard.errors.js';

/** The parameters of a request as Fastify parses them. */
export type RawQuery = Readonly<Record<string, string | string[] | undefined>>;

/** ISO 8601 with a date at least; without an offset it is UTC, so that an answer never depends on the machine. */
const ISO_TIME = /^[+-]?\d{4,6}-\d{2}-\d{2}(T\d{2}:\d{2}(:\d{2}(\.\d{1,9})?)?(Z|[+-]\d{2}:\d{2})?)?$/;
const EPOCH_MS = /^-?\d{1,16}$/;
const TIME_RULE = 'a time: ISO 8601 such as 2026-03-01T12:00:00Z, or epoch milliseconds';

/** Reads the parameters of one request. Every method throws {@link ParameterInvalidError} for a wrong value. */
export class RequestQuery {
  readonly #query: RawQuery;

  /**
   * @param known the parameters of the route; one that ends in `.*` stands for all with that beginning
   * @throws ParameterUnknownError for any other
   */
  constructor(query: RawQuery, known: readonly string[]) {
    this.#query = query;
    for (const name of Object.keys(query)) {
      if (!known.some((one) => matches(one, name))) throw new ParameterUnknownError(name, known);
    }
  }

  /** The value of a parameter that may be given once; an empty one counts as not given. */
  text(name: string): string | undefined {
    const value = this.#query[name];
    if (Array.isArray(value)) throw new ParameterInvalidError(name, value.join(', '), 'given once');
    return value === '' ? undefined : value;
  }

  /** Epoch milliseconds. */
  time(name: string): number | undefined {
    const text = this.text(name);
    if (text === undefined) return undefined;
    const timeMs = EPOCH_MS.test(text) ? Number(text) : isoTimeMs(text);
    // The range of ECMAScript's Date: beyond it the time could not be written back.
    if (timeMs === undefined || !(Math.abs(timeMs) <= 8.64e15))
      throw new ParameterInvalidError(name, text, TIME_RULE);
    return timeMs;
  }

  integer(
    name: string,
    range: { readonly min: number; readonly max: number; readonly fallback: number },
  ): number {
    const text = this.text(name);
    if (text === undefined) return range.fallback;
    const value = /^\d{1,9}$/.test(text) ? Number(text) : Number.NaN;
    if (value >= range.min && value <= range.max) return value;
    throw new ParameterInvalidError(name, text, `a whole number from ${range.min} to ${range.max}`);
  }

  choice<T extends string>(name: string, choices: readonly T[]): T | undefined {
    const text = this.text(name);
    return text === undefined ? undefined : oneOf(name, text, choices);
  }

  /** Several values, separated by commas; undefined if not given. */
  choices<T extends string>(name: string, choices: readonly T[]): ReadonlySet<T> | undefined {
    const text = this.text(name);
    if (text === undefined) return undefined;
    return new Set(text.split(',').map((part) => oneOf(name, part.trim(), choices)));
  }

  stream(name = 'stream'): string | undefined {
    const text = this.text(name);
    if (text === undefined || isStreamName(text)) return text;
    throw new ParameterInvalidError(name, text, `the name of a stream: ${STREAM_NAME_RULE}`);
  }

  /** Every parameter that begins with `prefix`, under the rest of its name. */
  withPrefix(prefix: string): Readonly<Record<string, string>> {
    const found: Record<string, string> = {};
    for (const name of Object.keys(this.#query)) {
      const value = name.startsWith(prefix) && name.length > prefix.length ? this.#query[name] : undefined;
      if (Array.isArray(value)) throw new ParameterInvalidError(name, value.join(', '), 'given once');
      if (value !== undefined) found[name.slice(prefix.length)] = value;
    }
    return found;
  }
}

function matches(known: string, name: string): boolean {
  if (!known.endsWith('.*')) return known === name;
  return name.startsWith(known.slice(0, -1)) && name.length >= known.length;
}

function oneOf<T extends string>(name: string, text: string, choices: readonly T[]): T {
  const found = choices.find((choice) => choice === text);
  if (found === undefined) throw new ParameterInvalidError(name, text, `one of ${choices.join(', ')}`);
  return found;
}

/** Epoch milliseconds of a time in ISO 8601; undefined: it is none. */
export function isoTimeMs(text: string): number | undefined {
  // In a query a '+' that was not escaped arrives as a space: 12:00:00 01:00.
  const [, date, clock, fraction = '', offset = 'Z'] =
    /^(.{10,}?)(T\d{2}:\d{2}(?::\d{2})?)?(\.\d+)?(Z|[+ -]\d{2}:\d{2})?$/.exec(text) ?? [];
  if (date === undefined) return undefined;
  const whole =
    clock === undefined ? date : `${date}${clock}${fraction.slice(0, 4)}${offset.replace(' ', '+')}`;
  if (!ISO_TIME.test(whole)) return undefined;
  const timeMs = Date.parse(whole);
  return Number.isNaN(timeMs) || !isDay(date.slice(0, 10)) ? undefined : timeMs;
}

/** JavaScript takes 30 February for 2 March; whoever writes it means something else. */
function isDay(date: string): boolean {
  const dayMs = Date.parse(date);
  return Number.isNaN(dayMs) || new Date(dayMs).toISOString().startsWith(date);
}

/** The time in ISO 8601 UTC, as every answer writes it. */
export function isoTime(timeMs: number): string {
  return new Date(timeMs).toISOString();
}
