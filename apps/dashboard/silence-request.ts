import {
  type Matcher,
  matcherProblem,
  matchesNothingGiven,
  parseMatcher,
  type Silence,
} from '#libs/alerting';
import { isJsonObject, type JsonObject, parseDuration } from '#libs/kernel';
import { SilenceInvalidError } from './dashboard.errors.js';
import { isoTimeMs } from './request-query.js';

const KNOWN = ['matchers', 'startsAt', 'endsAt', 'duration', 'createdBy', 'comment'];
const MAX_MATCHERS = 20;
const MAX_TEXT = 1_000;
/** Longer, and it is a rule that should go. */
const MAX_LENGTH_MS = 366 * 24 * 3_600_000;

/**
 * What somebody wants to be silent: `{matchers, startsAt?, endsAt | duration, createdBy, comment}`. A matcher is a text such as
 * `stream=~web.*`, or `{name, value, isRegex?, isEqual?}` as Alertmanager takes it.
 *
 * @throws SilenceInvalidError with the first thing that is wrong
 */
export function readSilence(body: unknown, nowMs: number): Omit<Silence, 'id'> {
  if (!isJsonObject(body)) throw new SilenceInvalidError('the body', body, 'a JSON object');
  const unknown = Object.keys(body).find((name) => !KNOWN.includes(name));
  if (unknown !== undefined)
    throw new SilenceInvalidError(unknown, body[unknown], `one of ${KNOWN.join(', ')}`);
  const startsAtMs = body['startsAt'] === undefined ? nowMs : readTime(body, 'startsAt');
  const endsAtMs = readEnd(body, Math.max(startsAtMs, nowMs));
  if (endsAtMs <= Math.max(startsAtMs, nowMs))
    throw new SilenceInvalidError('endsAt', body['endsAt'], 'after startsAt, and in the future');
  if (endsAtMs - startsAtMs > MAX_LENGTH_MS)
    throw new SilenceInvalidError('endsAt', body['endsAt'], 'at most 366 days after startsAt');
  return {
    matchers: readMatchers(body['matchers']),
    ...{ startsAtMs, endsAtMs },
    createdBy: readText(body, 'createdBy'),
    comment: readText(body, 'comment'),
  };
}

function readEnd(body: JsonObject, fromMs: number): number {
  const { endsAt, duration } = body;
  if ((endsAt === undefined) === (duration === undefined))
    throw new SilenceInvalidError('endsAt', endsAt, 'given, or duration in its place');
  if (duration === undefined) return readTime(body, 'endsAt');
  try {
    return fromMs + parseDuration(String(duration));
  } catch {
    throw new SilenceInvalidError('duration', duration, 'a duration such as 2h');
  }
}

function readTime(body: JsonObject, name: string): number {
  const value = body[name];
  const timeMs = typeof value === 'string' ? isoTimeMs(value) : undefined;
  if (timeMs === undefined) throw new SilenceInvalidError(name, value, 'a time in ISO 8601');
  return timeMs;
}

function readText(body: JsonObject, name: string): string {
  const value = body[name];
  if (typeof value === 'string' && /\S/.test(value) && value.length <= MAX_TEXT) return value;
  throw new SilenceInvalidError(name, value, `a text of at most ${MAX_TEXT} characters`);
}

function readMatchers(value: unknown): readonly Matcher[] {
  const wanted = `a list of 1 to ${MAX_MATCHERS} matchers`;
  if (!Array.isArray(value) || value.length === 0 || value.length > MAX_MATCHERS)
    throw new SilenceInvalidError('matchers', value, wanted);
  const matchers = value.map(readMatcher);
  if (matchesNothingGiven(matchers))
    throw new SilenceInvalidError(
      'matchers',
      value,
      'with a value that is not empty: this would silence everything',
    );
  return matchers;
}

function readMatcher(value: unknown): Matcher {
  const matcher = typeof value === 'string' ? parseMatcher(value) : matcherOf(value);
  if (matcher === undefined)
    throw new SilenceInvalidError(
      'matchers',
      value,
      "texts such as 'stream=demo', or {name, value, isRegex?, isEqual?}",
    );
  const problem = matcherProblem(matcher);
  if (problem !== undefined)
    throw new SilenceInvalidError('matchers', value, `what can be matched: ${problem}`);
  return matcher;
}

function matcherOf(value: unknown): Matcher | undefined {
  if (!isJsonObject(value)) return undefined;
  const { name, value: wanted, isRegex = false, isEqual = true } = value;
  const isRight =
    typeof name === 'string' &&
    ['string', 'number', 'boolean'].includes(typeof wanted) &&
    typeof isRegex === 'boolean' &&
    typeof isEqual === 'boolean';
  return isRight ? { name, value: String(wanted), isRegex, isEqual } : undefined;
}
