import { isJsonObject, type JsonObject, type JsonValue } from '#libs/kernel';
import { secondsToMs } from './access-line.js';
import { type LineData, type LogFormat, type ParsedLine, rejectedLine, shown } from './parsed-line.js';
import { hostOf, parseRequestLine, parseTarget } from './request-line.js';
import { parseClfTime, parseIsoTime } from './timestamp.js';

/** Under which names a field is looked for, the first that holds something first, and how its value is read. */
interface FieldSource {
  readonly field: string;
  readonly names: readonly string[];
  readonly convert: (value: JsonValue) => JsonValue;
}

const keep = (value: JsonValue): JsonValue => value;

const SOURCES: readonly FieldSource[] = [
  { field: 'status', names: ['status', 'status_code', 'statusCode', 'response_status'], convert: toNumber },
  {
    field: 'bytes',
    names: [
      'bytes',
      'body_bytes_sent',
      'bytes_sent',
      'size',
      'response_size',
      'responseSize',
      'content_length',
    ],
    convert: toNumber,
  },
  {
    field: 'durationMs',
    names: [
      'durationMs',
      'duration_ms',
      'responseTime',
      'response_time_ms',
      'latencyMs',
      'latency_ms',
      'elapsed_ms',
    ],
    convert: toNumber,
  },
  {
    field: 'durationMs',
    names: ['request_time', 'duration_s', 'duration_seconds'],
    convert: secondsToDuration,
  },
  {
    field: 'userAgent',
    names: ['userAgent', 'user_agent', 'http_user_agent', 'useragent', 'agent'],
    convert: keep,
  },
  { field: 'referrer', names: ['referrer', 'referer', 'http_referer', 'http_referrer'], convert: keep },
  {
    field: 'clientIp',
    names: ['clientIp', 'client_ip', 'remote_addr', 'remoteAddr', 'remote_ip', 'remoteAddress', 'ip'],
    convert: keep,
  },
  { field: 'userId', names: ['userId', 'user_id', 'remote_user', 'user'], convert: keep },
  { field: 'sessionId', names: ['sessionId', 'session_id', 'session'], convert: keep },
  { field: 'host', names: ['host', 'http_host', 'vhost', 'server_name'], convert: toHost },
  { field: 'protocol', names: ['protocol', 'server_protocol', 'http_version'], convert: keep },
];
const METHOD_NAMES = ['method', 'request_method', 'http_method', 'requestMethod', 'httpMethod'];
const TARGET_NAMES = ['path', 'request_uri', 'url', 'requestUri', 'request_path', 'uri'];
const QUERY_NAMES = ['query', 'query_string', 'queryString', 'args'];
const TIME_NAMES = [
  'time_iso8601',
  'msec',
  'time_local',
  '@timestamp',
  'timestamp',
  'time',
  'ts',
  'datetime',
];

/** Everything that is read under another name; what is not in here stays as it is. */
const READ_NAMES: ReadonlySet<string> = new Set([
  ...['request', ...METHOD_NAMES, ...TARGET_NAMES, ...QUERY_NAMES, ...TIME_NAMES],
  ...SOURCES.flatMap(({ names }) => names),
]);

/** Names of nginx's variables: one of them tells the format. */
const NGINX_NAMES = [
  ...[
    'time_iso8601',
    'msec',
    'time_local',
    'remote_addr',
    'request_uri',
    'body_bytes_sent',
    'http_user_agent',
  ],
  ...['request_time', 'request_method'],
];

/**
 * Reads a line that is a JSON object: nginx's variables under their own names, or the names that loggers commonly
 * use. Fields under other names are kept as they are.
 */
export function parseJsonLine(text: string, wanted?: LogFormat): ParsedLine {
  const line = parseObject(text);
  if (typeof line === 'string') return rejectedLine('LINE_UNPARSABLE', `the line is no JSON object: ${line}`);
  return readRecord(line, wanted ?? formatOf(line));
}

/** Reads named values, as {@link parseJsonLine} does. */
export function readRecord(line: JsonObject, format: string): ParsedLine {
  const time = readTime(line);
  if (typeof time !== 'number') return time;
  const data = readRequest(line);
  if (data === undefined) return requestProblem(line);
  for (const source of SOURCES) readField(line, source, data);
  keepOthers(line, data);
  return { kind: 'parsed', format, timeMs: time, data };
}

/** A text: why it is none. */
function parseObject(text: string): JsonObject | string {
  try {
    const value: unknown = JSON.parse(text);
    return isJsonObject(value) ? value : `it is ${shown(value)}`;
  } catch (error) {
    const hint = text.includes('\\x')
      ? '; \\x is no escape of JSON: nginx needs escape=json in its log_format'
      : '';
    return `${(error as Error).message}${hint}`;
  }
}

function formatOf(line: JsonObject): LogFormat {
  return NGINX_NAMES.some((name) => Object.hasOwn(line, name)) ? 'nginx-json' : 'json';
}

/** The value of the first of these names that has one; loggers write nothing as null, an empty text or `-`. */
function firstOf(line: JsonObject, names: readonly string[]): { name: string; value: JsonValue } | undefined {
  for (const name of names) {
    const value = Object.hasOwn(line, name) ? line[name] : undefined;
    if (value !== undefined && value !== null && value !== '' && value !== '-') return { name, value };
  }
  return undefined;
}

function readField(line: JsonObject, source: FieldSource, data: LineData): void {
  if (data[source.field] !== undefined) return;
  const found = firstOf(line, source.names);
  if (found !== undefined) data[source.field] = source.convert(found.value);
}

function keepOthers(line: JsonObject, data: LineData): void {
  for (const name of Object.keys(line)) {
    // As a plain assignment this name would set the prototype.
    if (!READ_NAMES.has(name) && name !== '__proto__') data[name] = line[name];
  }
}

function readTime(line: JsonObject): number | ParsedLine {
  const found = firstOf(line, TIME_NAMES);
  if (found === undefined) {
    return rejectedLine('TIME_INVALID', `the line has no time; wanted one of ${TIME_NAMES.join(', ')}`);
  }
  const timeMs = timeOf(found.value);
  if (!Number.isNaN(timeMs)) return timeMs;
  const reason = `/${found.name} is ${shown(found.value)}; it must be ISO 8601 with a zone, or seconds, milliseconds, microseconds or nanoseconds since 1970`;
  return rejectedLine('TIME_INVALID', reason, `/${found.name}`);
}

/** Below this a number is seconds: as such it lies before the year 5138, as milliseconds it lay before March 1973. */
const SECONDS_BELOW = 100_000_000_000;
/** From here on it is microseconds, and then nanoseconds, by the same measure. */
const MICROSECONDS_FROM = 100_000_000_000_000;
const NANOSECONDS_FROM = 100_000_000_000_000_000;
/** The furthest that a JavaScript date reaches. */
export const MAX_TIME_MS = 8_640_000_000_000_000;

function timeOf(value: JsonValue): number {
  const amount = typeof value === 'string' && /^-?\d+(\.\d+)?$/.test(value) ? Number(value) : value;
  if (typeof amount === 'number') {
    const timeMs = epochMsOf(amount);
    return Math.abs(timeMs) <= MAX_TIME_MS ? timeMs : NaN;
  }
  if (typeof amount !== 'string') return NaN;
  return amount[2] === '/' ? parseClfTime(amount) : parseIsoTime(amount);
}

function epochMsOf(amount: number): number {
  const size = Math.abs(amount);
  if (size < SECONDS_BELOW) return Math.round(amount * 1_000);
  if (size < MICROSECONDS_FROM) return Math.floor(amount);
  if (size < NANOSECONDS_FROM) return Math.floor(amount / 1_000);
  // A double of this size is exact to 256 ns only, and must not fall below its millisecond.
  return Math.floor(Math.round(amount / 1_000) / 1_000);
}

/** Method, path and query, from their own fields or from a whole request line. */
function readRequest(line: JsonObject): LineData | undefined {
  const method = firstOf(line, METHOD_NAMES)?.value;
  const target = firstOf(line, TARGET_NAMES)?.value;
  if (typeof method !== 'string' || typeof target !== 'string') return readRequestLine(line);
  const parsed = parseTarget(target);
  if (parsed === undefined) return undefined;
  const query = parsed.query ?? withoutMark(firstOf(line, QUERY_NAMES)?.value);
  return { method, ...parsed, ...(query === undefined ? {} : { query }) };
}

function withoutMark(query: JsonValue | undefined): JsonValue | undefined {
  return typeof query === 'string' && query.startsWith('?') ? query.slice(1) : query;
}

function readRequestLine(line: JsonObject): LineData | undefined {
  const request = Object.hasOwn(line, 'request') ? line['request'] : undefined;
  const parsed = typeof request === 'string' ? parseRequestLine(request) : undefined;
  return parsed === undefined ? undefined : { ...parsed };
}

function requestProblem(line: JsonObject): ParsedLine {
  const found = firstOf(line, [...TARGET_NAMES, 'request']);
  const reason = 'wanted method and path, or request, as in: {"method": "GET", "path": "/"}';
  if (found === undefined) return rejectedLine('REQUEST_INVALID', `the line has no request; ${reason}`);
  const reasonFound = `/${found.name} is ${shown(found.value)}; ${reason}`;
  return rejectedLine('REQUEST_INVALID', reasonFound, `/${found.name}`);
}

function toHost(value: JsonValue): JsonValue {
  return typeof value === 'string' ? hostOf(value) : value;
}

/** Numbers in quotes, as nginx's JSON has them; anything else is left to the schema. */
function toNumber(value: JsonValue): JsonValue {
  const isNumeric = typeof value === 'string' && /^\d{1,15}(\.\d{1,9})?$/.test(value);
  return isNumeric ? Number(value) : value;
}

function secondsToDuration(value: JsonValue): JsonValue {
  const seconds = toNumber(value);
  return typeof seconds === 'number' ? secondsToMs(seconds) : seconds;
}
