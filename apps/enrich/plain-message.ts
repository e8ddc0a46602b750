import {
  type DeadEvent,
  isJsonObject,
  isStreamName,
  type JsonObject,
  type JsonValue,
  MAX_DEAD_ORIGINAL_BYTES,
  MAX_EVENT_BYTES,
  STREAM_NAME_RULE,
  type StreamEvent,
} from '#libs/kernel';
import { parseEvent } from '#libs/ingestion';
import { CONTENT_TYPE, type Delivery, FRAME_CONTENT_TYPE } from '#libs/messaging';
import type { EventSchema } from '#libs/schema';

// Single events that other producers than ingest write to `raw`: JSON in any form that `POST …/events` takes, or a
// CloudEvent, structured or binary (attributes as properties `ce_…`).

/** The stream of messages that name none. */
const NO_STREAM = 'messages';
const STREAM_PROPERTY = 'millrace-stream';
const ATTRIBUTE = /^ce[_-](.+)$/;
/** Printed again by every stage behind, each on its own stack. */
const MAX_DEPTH = 64;

/** What the events of a pipeline have to be. */
export interface WantedEvents {
  readonly eventType: string;
  readonly schema: EventSchema;
}

interface Refusal {
  readonly code: string;
  readonly reason: string;
  readonly path?: string;
  readonly id?: string;
}

/**
 * The event of a message that is no frame: dead where it is JSON and no event of the pipeline; undefined where it is no
 * JSON, or was meant to be a frame. Depends on the message alone.
 */
export function readPlainMessage(
  delivery: Delivery,
  wanted: WantedEvents,
): StreamEvent | DeadEvent | undefined {
  if (delivery.properties[CONTENT_TYPE]?.startsWith(FRAME_CONTENT_TYPE) === true) return undefined;
  const payload = parse(delivery.payload);
  if (payload === undefined) return undefined;
  const event = eventOf(payload, delivery, wanted);
  return 'code' in event ? deadEvent(event, delivery) : event;
}

function parse(payload: Uint8Array): JsonValue | undefined {
  try {
    return JSON.parse(Buffer.from(payload).toString('utf8')) as JsonValue;
  } catch {
    return undefined;
  }
}

function eventOf(payload: JsonValue, delivery: Delivery, wanted: WantedEvents): StreamEvent | Refusal {
  const stream = streamOf(delivery);
  if (!isStreamName(stream)) {
    const reason = `the stream is ${stream.slice(0, 80)}; wanted: ${STREAM_NAME_RULE}`;
    return { code: 'STREAM_NAME_INVALID', reason };
  }
  const receivedMs = delivery.publishTimeMs;
  const parsed = parseEvent(cloudEventOf(payload, delivery) ?? payload, {
    receivedMs: delivery.eventTimeMs ?? receivedMs,
  });
  if (parsed.kind === 'rejected') return parsed;
  const { id = placeOf(delivery), timeMs, key = delivery.key, data } = parsed;
  const refusal = refusalOf(parsed, delivery, wanted);
  if (refusal !== undefined) return { ...refusal, id };
  const type = wanted.eventType;
  return { id, stream, timeMs, receivedMs, ...(key === undefined ? {} : { key }), type, data };
}

function refusalOf(
  { type, data }: { readonly type?: string; readonly data: JsonObject },
  { payload }: Delivery,
  { eventType, schema }: WantedEvents,
): Refusal | undefined {
  if (type !== undefined && type !== eventType) {
    const reason = `/type is ${type.slice(0, 80)}; the pipeline takes ${eventType}`;
    return { code: 'TYPE_UNKNOWN', reason, path: '/type' };
  }
  if (payload.byteLength > MAX_EVENT_BYTES) {
    const reason = `the event has ${payload.byteLength} bytes; it may have ${MAX_EVENT_BYTES}`;
    return { code: 'EVENT_TOO_LARGE', reason };
  }
  if (isTooDeep(data, MAX_DEPTH))
    return { code: 'EVENT_TOO_DEEP', reason: `the data is nested deeper than ${MAX_DEPTH} levels`, path: '' };
  const problem = schema.check(data);
  return problem === undefined
    ? undefined
    : { code: 'EVENT_DATA_INVALID', reason: problem.reason, path: problem.path };
}

function isTooDeep(value: JsonValue, depth: number): boolean {
  if (typeof value !== 'object' || value === null) return false;
  return depth === 0 || Object.values(value).some((part) => isTooDeep(part as JsonValue, depth - 1));
}

/** A CloudEvent in binary mode, in its structured form: attributes are properties, the payload is the data. */
function cloudEventOf(data: JsonValue, { properties }: Delivery): JsonObject | undefined {
  const attributes = Object.entries(properties).flatMap(([name, value]) => {
    const attribute = ATTRIBUTE.exec(name)?.[1];
    return attribute === undefined ? [] : [[attribute, value] as const];
  });
  const event: JsonObject = { ...Object.fromEntries(attributes), data };
  return Object.hasOwn(event, 'specversion') ? event : undefined;
}

/** As a property says, or a CloudEvent of ours; else all go to one stream. */
function streamOf({ properties, payload }: Delivery): string {
  const named = properties[STREAM_PROPERTY];
  if (named !== undefined) return named;
  const source = properties['ce_source'] ?? properties['ce-source'] ?? sourceIn(payload);
  return /^\/pipelines\/[^/]+\/streams\/([^/]+)$/.exec(source)?.[1] ?? NO_STREAM;
}

function sourceIn(payload: Uint8Array): string {
  const value = parse(payload);
  const isEvent = isJsonObject(value) && value['specversion'] !== undefined;
  return isEvent && typeof value['source'] === 'string' ? value['source'] : '';
}

/** Unique, and the same whenever the message is read. */
function placeOf({ topic, partition, position }: Delivery): string {
  return `${topic}/${partition}/${position.join(':')}`;
}

function deadEvent({ code, reason, path, id }: Refusal, delivery: Delivery): DeadEvent {
  const { payload, publishTimeMs } = delivery;
  const stream = streamOf(delivery);
  const original = Buffer.from(payload.subarray(0, MAX_DEAD_ORIGINAL_BYTES)).toString('utf8');
  return {
    id: id ?? placeOf(delivery),
    stream: isStreamName(stream) ? stream : NO_STREAM,
    receivedMs: publishTimeMs,
    dead: {
      code,
      reason,
      stage: 'enrich',
      ...(path === undefined ? {} : { path }),
      attempts: 1,
      original,
      originalBytes: payload.byteLength,
    },
  };
}
