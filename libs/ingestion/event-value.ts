import { isJsonObject, type JsonObject, type JsonValue } from '#libs/kernel';
import { MAX_TIME_MS } from './json-line.js';
import { shown } from './parsed-line.js';
import { parseIsoTime } from './timestamp.js';

/** Why an event is refused; each is a row in docs/errors.md. */
export type EventProblemCode =
  | 'EVENT_NOT_OBJECT'
  | 'EVENT_DATA_INVALID'
  | 'CLOUD_EVENT_INVALID'
  | 'ID_INVALID'
  | 'KEY_INVALID'
  | 'TIME_INVALID';

/** An event as its sender gave it; the data is not checked against a schema. */
export interface ParsedEvent {
  readonly kind: 'parsed';
  readonly id?: string;
  readonly timeMs: number;
  readonly key?: string;
  /** Only from an envelope: CloudEvents have types of their own. */
  readonly type?: string;
  readonly data: JsonObject;
}

export interface RejectedEvent {
  readonly kind: 'rejected';
  readonly code: EventProblemCode;
  /** A sentence: what was found and what would be right. */
  readonly reason: string;
  /** JSON pointer of the offending field; empty for the whole. */
  readonly path: string;
  /** The sender's id, where it could be read: the dead letter's id. */
  readonly id?: string;
}

export interface EventDefaults {
  /** The time of an event that says none, epoch milliseconds. */
  readonly receivedMs: number;
  /** The sender has said that it is a CloudEvent, so that one without `specversion` is a broken one. */
  readonly isCloudEvent?: boolean;
}

const MAX_ID_LENGTH = 512;
const ENVELOPE_NAMES: ReadonlySet<string> = new Set(['id', 'time', 'timestamp', 'type', 'key', 'data']);

/**
 * Reads one event, in any of these forms:
 * - a CloudEvent 1.0: what has `specversion`. Its id is `source#id`, as only both together are unique; its key is
 *   the extension `partitionkey`.
 * - an envelope: `{id?, time?, type?, key?, data: {…}}` and nothing else.
 * - a flat object: `id` and `time` (or `timestamp`) are taken out, the rest is the data.
 *
 * A time is ISO 8601 with a zone, or a number of milliseconds since 1970. Null is as good as absent.
 */
export function parseEvent(value: unknown, defaults: EventDefaults): ParsedEvent | RejectedEvent {
  if (!isJsonObject(value)) {
    return {
      kind: 'rejected',
      code: 'EVENT_NOT_OBJECT',
      reason: `the event is ${shown(value)}; it must be a JSON object`,
      path: '',
    };
  }
  try {
    return build(partsOf(value, defaults.isCloudEvent === true), defaults);
  } catch (error) {
    if (!(error instanceof EventProblem)) throw error;
    return rejection(error, value);
  }
}

/** Thrown and caught in this file only. */
class EventProblem extends Error {
  constructor(
    readonly code: EventProblemCode,
    readonly path: string,
    reason: string,
  ) {
    super(reason);
  }
}

interface EventParts {
  readonly id: JsonValue | undefined;
  readonly timeName: string;
  readonly time: JsonValue | undefined;
  readonly key?: JsonValue | undefined;
  readonly type?: JsonValue | undefined;
  readonly data: JsonObject;
}

function partsOf(value: JsonObject, isCloudEvent: boolean): EventParts {
  if (isCloudEvent || Object.hasOwn(value, 'specversion')) return cloudEventParts(value);
  const timeName = Object.hasOwn(value, 'time') ? 'time' : 'timestamp';
  if (isEnvelope(value)) {
    return {
      id: value['id'],
      timeName,
      time: value[timeName],
      key: value['key'],
      type: value['type'],
      data: value.data,
    };
  }
  const { id, [timeName]: time, ...data } = value;
  return { id, timeName, time, data };
}

function isEnvelope(value: JsonObject): value is JsonObject & { readonly data: JsonObject } {
  return isJsonObject(value['data']) && Object.keys(value).every((name) => ENVELOPE_NAMES.has(name));
}

function cloudEventParts(value: JsonObject): EventParts {
  if (value['specversion'] !== '1.0') throw cloudEventProblem(value, 'specversion', '"1.0"');
  for (const name of ['id', 'source', 'type']) {
    if (typeof value[name] !== 'string' || value[name] === '')
      throw cloudEventProblem(value, name, 'a text, not empty');
  }
  const id = `${String(value['source'])}#${String(value['id'])}`;
  return {
    id,
    timeName: 'time',
    time: value['time'],
    key: value['partitionkey'],
    data: cloudEventData(value),
  };
}

function cloudEventProblem(value: JsonObject, name: string, wanted: string): EventProblem {
  const found = value[name] === undefined ? 'missing' : shown(value[name]);
  return new EventProblem('CLOUD_EVENT_INVALID', `/${name}`, `/${name} is ${found}; it must be ${wanted}`);
}

function cloudEventData(value: JsonObject): JsonObject {
  const encoded = value['data_base64'];
  const data = isAbsent(encoded) ? value['data'] : decodeBase64(encoded);
  if (isJsonObject(data)) {
    if (!isAbsent(encoded) && value['data'] !== undefined)
      throw new EventProblem(
        'CLOUD_EVENT_INVALID',
        '/data_base64',
        '/data_base64 stands beside /data; only one of them may',
      );
    return data;
  }
  const path = isAbsent(encoded) ? '/data' : '/data_base64';
  const wanted = isAbsent(encoded) ? 'a JSON object' : 'the base64 of a JSON object';
  throw new EventProblem(
    'EVENT_DATA_INVALID',
    path,
    `${path} is ${shown(data ?? encoded)}; it must be ${wanted}`,
  );
}

function decodeBase64(encoded: JsonValue): unknown {
  try {
    return typeof encoded === 'string'
      ? JSON.parse(Buffer.from(encoded, 'base64').toString('utf8'))
      : undefined;
  } catch {
    return undefined;
  }
}

function build(parts: EventParts, defaults: EventDefaults): ParsedEvent {
  const id = idOf(parts.id);
  const key = keyOf(parts.key);
  const timeMs = isAbsent(parts.time) ? defaults.receivedMs : timeOf(parts.time, parts.timeName);
  return {
    kind: 'parsed',
    timeMs,
    data: parts.data,
    ...(id === undefined ? {} : { id }),
    ...(key === undefined ? {} : { key }),
    ...(typeof parts.type === 'string' ? { type: parts.type } : {}),
  };
}

function isAbsent(value: JsonValue | undefined): value is null | undefined {
  return value === undefined || value === null;
}

/** Whole numbers are ids too: databases make them. */
function idOf(value: JsonValue | undefined): string | undefined {
  if (isAbsent(value)) return undefined;
  const id = Number.isSafeInteger(value) ? String(value) : value;
  if (typeof id === 'string' && id.length > 0 && id.length <= MAX_ID_LENGTH) return id;
  const wanted = `a text of 1 to ${MAX_ID_LENGTH} characters, or a whole number up to ${Number.MAX_SAFE_INTEGER}`;
  throw new EventProblem('ID_INVALID', '/id', `/id is ${shown(value)}; it must be ${wanted}`);
}

function keyOf(value: JsonValue | undefined): string | undefined {
  if (isAbsent(value) || value === '') return undefined;
  if (typeof value === 'object' || String(value).length > MAX_ID_LENGTH) {
    const wanted = `a text, number or boolean of at most ${MAX_ID_LENGTH} characters`;
    throw new EventProblem('KEY_INVALID', '/key', `the key is ${shown(value)}; it must be ${wanted}`);
  }
  return String(value);
}

function timeOf(value: JsonValue, name: string): number {
  const timeMs =
    typeof value === 'number' ? Math.floor(value) : typeof value === 'string' ? parseIsoTime(value) : NaN;
  if (Math.abs(timeMs) <= MAX_TIME_MS) return timeMs;
  const wanted = 'ISO 8601 with a zone, as in 2026-01-31T12:00:00Z, or a number of milliseconds since 1970';
  throw new EventProblem('TIME_INVALID', `/${name}`, `/${name} is ${shown(value)}; it must be ${wanted}`);
}

function rejection(problem: EventProblem, value: JsonObject): RejectedEvent {
  const { code, path, message: reason } = problem;
  const id = readableId(value);
  return { kind: 'rejected', code, reason, path, ...(id === undefined ? {} : { id }) };
}

function readableId(value: JsonObject): string | undefined {
  try {
    const id = idOf(value['id']);
    const source = value['source'];
    const isCloudEvent = Object.hasOwn(value, 'specversion') && typeof source === 'string';
    return id !== undefined && isCloudEvent ? `${source}#${id}` : id;
  } catch {
    return undefined;
  }
}
