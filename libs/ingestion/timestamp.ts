// Both readers go over the characters once and build no Date: they run for every line and every event.
// They answer NaN for what is not a time, so that a caller has one check.

const MINUTE_MS = 60_000;
const HOUR_MS = 3_600_000;
const DAY_MS = 86_400_000;
const MONTHS: ReadonlyMap<string, number> = new Map(
  ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'].map((name, i) => [
    name,
    i + 1,
  ]),
);
const DAYS_IN_MONTH = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31] as const;

/** How many characters a time has in Apache's and nginx's own format. */
export const CLF_TIME_LENGTH = 26;

/**
 * The time `10/Oct/2000:13:55:36 -0700` that stands in `text` from `at` on, in epoch milliseconds; NaN if there
 * is none, or none that exists.
 */
export function parseClfTime(text: string, at = 0): number {
  if (!hasClfSeparators(text, at)) return NaN;
  const month = MONTHS.get(text.slice(at + 3, at + 6)) ?? NaN;
  const dayMs = dateMs(digits(text, at + 7, 4), month, digits(text, at, 2));
  const timeMs = dayMs + clockMs(text, at + 12) - offsetMs(text, at + 21, at + 24);
  return isMisplacedLeapSecond(text, at + 18, timeMs) ? NaN : timeMs;
}

function hasClfSeparators(text: string, at: number): boolean {
  return (
    text.charCodeAt(at + 2) === SLASH &&
    text.charCodeAt(at + 6) === SLASH &&
    text.charCodeAt(at + 11) === COLON &&
    text.charCodeAt(at + 20) === SPACE
  );
}

/**
 * An ISO 8601 time with a zone (`Z`, `+02:00`, `+0200` or `+02`) in epoch milliseconds; NaN for anything else. The
 * seconds may be left out; of a fraction, what is finer than a millisecond is cut off.
 */
export function parseIsoTime(text: string): number {
  if (text.charCodeAt(4) !== HYPHEN || text.charCodeAt(7) !== HYPHEN || !isDateEnd(text.charCodeAt(10)))
    return NaN;
  const dayMs = dateMs(digits(text, 0, 4), digits(text, 5, 2), digits(text, 8, 2));
  const hasSeconds = text.charCodeAt(16) === COLON;
  const clock = hasSeconds ? clockMs(text, 11) : clockMs(`${text.slice(11, 16)}:00`, 0);
  const fractionAt = hasSeconds ? 19 : 16;
  const zoneAt = fractionEnd(text, fractionAt);
  const timeMs = dayMs + clock - isoOffsetMs(text, zoneAt);
  if (hasSeconds && isMisplacedLeapSecond(text, 17, timeMs)) return NaN;
  return timeMs + fractionMs(text, fractionAt, zoneAt);
}

const SPACE = 32;
const PLUS = 43;
const COMMA = 44;
const HYPHEN = 45;
const DOT = 46;
const SLASH = 47;
const ZERO = 48;
const COLON = 58;

/** `T`, `t` or a space (RFC 3339, 5.6). */
function isDateEnd(code: number): boolean {
  return code === 84 || code === 116 || code === SPACE;
}

/** The whole number of `count` digits from `at` on; NaN if one of them is none. */
function digits(text: string, at: number, count: number): number {
  let value = 0;
  for (let i = at; i < at + count; i++) {
    const digit = text.charCodeAt(i) - ZERO;
    if (!(digit >= 0 && digit <= 9)) return NaN;
    value = value * 10 + digit;
  }
  return value;
}

/** Midnight of a day of the Gregorian calendar; NaN if there is no such day. */
function dateMs(year: number, month: number, day: number): number {
  if (!(day >= 1 && day <= daysIn(year, month))) return NaN;
  // Days since 1970-03-01 shifted by whole eras of 400 years, the year beginning in March, so that the leap day is
  // its last. Source: Howard Hinnant, chrono-Compatible Low-Level Date Algorithms, days_from_civil.
  const marchYear = month <= 2 ? year - 1 : year;
  const era = Math.floor(marchYear / 400);
  const yearOfEra = marchYear - era * 400;
  const dayOfYear = Math.floor((153 * (month > 2 ? month - 3 : month + 9) + 2) / 5) + day - 1;
  const dayOfEra = yearOfEra * 365 + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100) + dayOfYear;
  return (era * 146_097 + dayOfEra - 719_468) * DAY_MS;
}

function daysIn(year: number, month: number): number {
  if (month !== 2) return DAYS_IN_MONTH[month - 1] ?? NaN;
  const isLeap = (year % 4 === 0 && year % 100 !== 0) || year % 400 === 0;
  return isLeap ? 29 : 28;
}

/** `13:55:36` from `at` on. */
function clockMs(text: string, at: number): number {
  if (text.charCodeAt(at + 2) !== COLON || text.charCodeAt(at + 5) !== COLON) return NaN;
  const hour = digits(text, at, 2);
  const minute = digits(text, at + 3, 2);
  const second = digits(text, at + 6, 2);
  return hour < 24 && minute < 60 && second <= 60
    ? hour * HOUR_MS + minute * MINUTE_MS + second * 1_000
    : NaN;
}

/**
 * A leap second (RFC 3339, 5.7) ends a day of UTC: 23:59:60Z, or 01:59:60+02:00. Like POSIX, it is the first one of the day after.
 *
 * @param at where the seconds stand
 */
function isMisplacedLeapSecond(text: string, at: number, timeMs: number): boolean {
  return text.startsWith('60', at) && timeMs % DAY_MS !== 0;
}

/** `+0200`: the sign and hours at `at`, the minutes at `minutesAt`. */
function offsetMs(text: string, at: number, minutesAt: number): number {
  const sign = text.charCodeAt(at);
  const hours = digits(text, at + 1, 2);
  const minutes = minutesAt < 0 ? 0 : digits(text, minutesAt, 2);
  if (!(hours < 24 && minutes < 60) || (sign !== PLUS && sign !== HYPHEN)) return NaN;
  const distanceMs = hours * HOUR_MS + minutes * MINUTE_MS;
  return sign === PLUS ? distanceMs : -distanceMs;
}

function isoOffsetMs(text: string, at: number): number {
  switch (text.length - at) {
    case 1:
      return text[at] === 'Z' || text[at] === 'z' ? 0 : NaN;
    case 3:
      return offsetMs(text, at, -1);
    case 5:
      return offsetMs(text, at, at + 3);
    case 6:
      return text.charCodeAt(at + 3) === COLON ? offsetMs(text, at, at + 4) : NaN;
    default:
      return NaN;
  }
}

/** Where the fraction that begins at `at` ends: the same place if there is none. */
function fractionEnd(text: string, at: number): number {
  const mark = text.charCodeAt(at);
  if (mark !== DOT && mark !== COMMA) return at;
  let end = at + 1;
  while (!Number.isNaN(digits(text, end, 1))) end++;
  return end;
}

function fractionMs(text: string, at: number, end: number): number {
  if (end === at) return 0;
  if (end === at + 1) return NaN;
  return digits(text.slice(at + 1, Math.min(end, at + 4)).padEnd(3, '0'), 0, 3);
}
