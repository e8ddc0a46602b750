import {
  type LineData,
  type LogFormat,
  type ParsedLine,
  type RejectedLine,
  rejectedLine,
  shown,
} from './parsed-line.js';
import { closingQuote, unescapeQuoted } from './quoted-text.js';
import { hostOf, parseRequestLine } from './request-line.js';
import { CLF_TIME_LENGTH, parseClfTime } from './timestamp.js';

// A line is read from left to right, each part beginning where the one before it ended:
//   host ident user [time] "request" status bytes "referrer" "user agent" more
// `-` stands for a value that is not there.

const SPACE = 32;
const QUOTE = 34;
const COMMA = 44;
const CLOSING_BRACKET = 93;

/** The formats that this file reads. */
export type AccessFormat = Exclude<LogFormat, 'json' | 'nginx-json'>;

/**
 * Reads a line of Apache's common or combined format, also with the virtual host in front, and of nginx's default.
 * Where no format is wanted, a host in front is told by the `-` of ident behind the client's address.
 * After the user agent may follow quoted fields, which are left out, and plain ones: if the first of these is a
 * number it is the duration, in seconds with a dot (nginx's `$request_time`), else in microseconds (Apache's `%D`). Two
 * whole numbers are the bytes that came in and went out (Apache's combinedio), and no duration.
 * In the place of the client may stand a list, as proxies make it (`%{X-Forwarded-For}i`): its first address is the client.
 */
export function parseAccessLine(text: string, wanted?: AccessFormat): ParsedLine {
  const timeAt = findTime(text);
  if (timeAt < 0) return timeProblem(text);
  const timeMs = parseClfTime(text, timeAt);
  if (Number.isNaN(timeMs)) return invalidTime(text.slice(timeAt, timeAt + CLF_TIME_LENGTH));
  const requestAt = timeAt + CLF_TIME_LENGTH + 3;
  const requestEnd = closingQuote(text, requestAt);
  if (requestEnd < 0) return unparsable('the request has no closing quote');
  const requestText = unescapeQuoted(text.slice(requestAt, requestEnd));
  const request = parseRequestLine(requestText);
  if (request === undefined) return invalidRequest(requestText);
  const data: LineData = { ...request };
  const sender = readSender(text, timeAt - 2, { data, isHostWanted: wanted?.startsWith('vhost_') });
  if (sender === undefined) return unparsable(wantedSender(wanted));
  return finish(text, requestEnd + 1, { timeMs, data, wanted, hasHost: sender === 'with-host' });
}

function wantedSender(wanted: AccessFormat | undefined): string {
  const host = wanted?.startsWith('vhost_') === true ? 'vhost ' : '';
  return `${host}host ident user must stand before the time`;
}

interface Begun {
  readonly timeMs: number;
  readonly data: LineData;
  readonly wanted: AccessFormat | undefined;
  readonly hasHost: boolean;
}

function finish(text: string, at: number, { timeMs, data, wanted, hasHost }: Begun): ParsedLine {
  const tailAt = readAnswer(text, at, data);
  if (tailAt < 0) return unparsable('status and bytes must follow the request, as in: 200 5316');
  const tail = readTail(text, tailAt, data);
  if (tail === undefined)
    return unparsable('after the bytes must follow nothing, or "referrer" "user agent"');
  const format = hasHost ? (`vhost_${tail}` as const) : tail;
  // nginx's default is Apache's combined, but for the way it escapes.
  if (wanted !== undefined && (wanted === 'nginx' ? 'combined' : wanted) !== format)
    return unparsable(`it is of the format ${format}, wanted ${wanted}`);
  return { kind: 'parsed', format: wanted ?? format, timeMs, data };
}

/** Where the time begins: after ` [`, if `] "` stands where it ends. A user's name may hold brackets, too. */
function findTime(text: string): number {
  let bracket = text.indexOf(' [');
  while (bracket >= 0) {
    const end = bracket + 2 + CLF_TIME_LENGTH;
    const isEnd = text.charCodeAt(end) === CLOSING_BRACKET && text.charCodeAt(end + 1) === SPACE;
    if (isEnd && text.charCodeAt(end + 2) === QUOTE) return bracket + 2;
    bracket = text.indexOf(' [', bracket + 1);
  }
  return -1;
}

function timeProblem(text: string): RejectedLine {
  const from = text.indexOf(' [');
  const to = text.indexOf('] "', from);
  if (from < 0 || to < 0) return unparsable('wanted: host ident user [time] "request" status bytes');
  return invalidTime(text.slice(from + 2, to));
}

function invalidTime(found: string): RejectedLine {
  return rejectedLine(
    'TIME_INVALID',
    `the time is ${shown(found)}; it must be one like 10/Oct/2000:13:55:36 -0700`,
  );
}

function unparsable(reason: string): RejectedLine {
  return rejectedLine('LINE_UNPARSABLE', `the line could not be read: ${reason}`);
}

function invalidRequest(found: string): RejectedLine {
  const wanted = 'it must be a method and a path, as in: GET /index.html HTTP/1.1';
  return rejectedLine('REQUEST_INVALID', `the request is ${shown(found)}; ${wanted}`);
}

interface Sender {
  readonly data: LineData;
  /** Undefined: the line tells. */
  readonly isHostWanted: boolean | undefined;
}

/** `host ident user`, or with the virtual host in front; undefined: neither. */
function readSender(
  text: string,
  end: number,
  { data, isHostWanted }: Sender,
): 'with-host' | 'without-host' | undefined {
  const first = listEnd(text, 0);
  const second = listEnd(text, first + 1);
  if (first < 1 || first >= end || second < 0 || second >= end) return undefined;
  if (isHostWanted ?? isIdentNext(text, { first, second, end })) {
    const third = text.indexOf(' ', second + 1);
    if (third < 0 || third >= end) return undefined;
    data['host'] ??= hostOf(text.slice(0, first));
    setClient(data, text.slice(first + 1, second));
    setUser(data, text.slice(third + 1, end));
    return 'with-host';
  }
  setClient(data, text.slice(0, first));
  setUser(data, text.slice(second + 1, end));
  return 'without-host';
}

/** Where the word ends that begins at `from`, or the words with commas between them. */
function listEnd(text: string, from: number): number {
  let end = text.indexOf(' ', from);
  while (end > from && text.charCodeAt(end - 1) === COMMA) end = text.indexOf(' ', end + 1);
  return end;
}

/** With the virtual host in front, the user's place holds the `-` of ident. */
function isIdentNext(
  text: string,
  { first, second, end }: { readonly first: number; readonly second: number; readonly end: number },
): boolean {
  return text.startsWith('- ', second + 1) && second - first !== 2 && second + 2 < end;
}

/** ` 200 5316`; answers where it ends, -1 if it is not there. */
function readAnswer(text: string, at: number, data: LineData): number {
  const statusEnd = wordEnd(text, at + 1);
  const status = wholeNumber(text, at + 1, statusEnd);
  const bytesEnd = wordEnd(text, statusEnd + 1);
  if (text.charCodeAt(at) !== SPACE || status < 0) return -1;
  data['status'] = status;
  if (isAbsent(text.slice(statusEnd + 1, bytesEnd))) return bytesEnd > statusEnd + 1 ? bytesEnd : -1;
  const bytes = wholeNumber(text, statusEnd + 1, bytesEnd);
  data['bytes'] = bytes;
  return bytes < 0 ? -1 : bytesEnd;
}

/** What follows the bytes; undefined if it is neither combined nor common. */
function readTail(text: string, from: number, data: LineData): 'common' | 'combined' | undefined {
  const seen: SeenFields = { quoted: 0, plain: 0, isWhole: false };
  for (let at = from; at < text.length;) {
    at = text.charCodeAt(at) === SPACE ? readTailField(text, at + 1, data, seen) : -1;
    if (at < 0) return undefined;
  }
  if (seen.quoted === 0) return 'common';
  return seen.quoted === 1 ? undefined : 'combined';
}

/** How many fields of either kind stood after the bytes so far. */
interface SeenFields {
  quoted: number;
  plain: number;
  /** The last plain one was a whole number. */
  isWhole: boolean;
}

/** Answers where the field ends, -1 if its quote never closes. */
function readTailField(text: string, at: number, data: LineData, seen: SeenFields): number {
  if (text.charCodeAt(at) === QUOTE) {
    const end = closingQuote(text, at + 1);
    if (end < 0) return -1;
    setQuoted(data, seen.quoted++, text.slice(at + 1, end));
    return end + 1;
  }
  const end = wordEnd(text, at);
  if (end > at) setPlain(data, seen, text.slice(at, end));
  return end;
}

function setPlain(data: LineData, seen: SeenFields, word: string): void {
  const isWhole = wholeNumber(word, 0, word.length) >= 0;
  if (seen.plain === 0) setDuration(data, word);
  else if (seen.plain === 1 && isWhole && seen.isWhole) delete data['durationMs'];
  seen.plain++;
  seen.isWhole = isWhole;
}

function setQuoted(data: LineData, index: number, text: string): void {
  if (index === 0) setText(data, 'referrer', unescapeQuoted(text));
  else if (index === 1) setText(data, 'userAgent', unescapeQuoted(text));
}

function setText(data: LineData, field: string, text: string): void {
  if (!isAbsent(text)) data[field] = text;
}

function setClient(data: LineData, text: string): void {
  const listed = text.indexOf(',');
  setText(data, 'clientIp', unescapeQuoted(listed < 0 ? text : text.slice(0, listed)));
}

/** Apache writes an empty name as two quotes; escaped ones are a name of two quotes. */
function setUser(data: LineData, text: string): void {
  if (text !== '""') setText(data, 'userId', unescapeQuoted(text));
}

function isAbsent(text: string): boolean {
  return text === '-' || text === '';
}

function setDuration(data: LineData, word: string): void {
  const amount = /^\d{1,12}(\.\d{1,9})?$/.test(word) ? Number(word) : NaN;
  if (Number.isNaN(amount)) return;
  data['durationMs'] = word.includes('.') ? secondsToMs(amount) : amount / 1_000;
}

/** Rounded to the microsecond: 0.57 s are 570 ms, not 569.9999999999999. */
export function secondsToMs(seconds: number): number {
  return Math.round(seconds * 1_000_000) / 1_000;
}

function wordEnd(text: string, from: number): number {
  const end = text.indexOf(' ', from);
  return end < 0 ? text.length : end;
}

/** The number that the digits of this stretch make; -1 if it holds anything else, or too many. */
function wholeNumber(text: string, from: number, to: number): number {
  if (to <= from || to - from > 15) return -1;
  let value = 0;
  for (let i = from; i < to; i++) {
    const digit = text.charCodeAt(i) - 48;
    if (digit < 0 || digit > 9) return -1;
    value = value * 10 + digit;
  }
  return value;
}
