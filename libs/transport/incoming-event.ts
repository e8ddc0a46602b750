import { isJsonObject, type JsonObject } from '#libs/kernel';
import { CONTENT_TYPE, type Delivery, FRAME_CONTENT_TYPE } from '#libs/messaging';
import { PayloadInvalidError } from './transport.errors.js';

/** How a payload is handed to a handler. */
export type PayloadFormat = 'json' | 'bytes';

/** CloudEvents' attributes, where a message has them. */
export interface EventAttributes {
  readonly id: string;
  readonly type?: string;
  readonly source?: string;
  readonly subject?: string;
  readonly timeMs?: number;
}

/** A message read as an event. */
export interface IncomingEvent {
  readonly attributes: EventAttributes;
  readonly data: unknown;
}

const STRUCTURED = 'application/cloudevents+json';

/** @throws PayloadInvalidError */
export function readEvent(delivery: Delivery, format: PayloadFormat): IncomingEvent {
  const { properties, payload } = delivery;
  const contentType = (properties[CONTENT_TYPE] ?? '').split(';', 1)[0]?.trim();
  if (contentType === STRUCTURED) return readStructured(delivery);
  if (contentType?.startsWith(FRAME_CONTENT_TYPE) === true)
    throw new PayloadInvalidError(delivery.topic, 'it is a frame, which only Millrace itself reads');
  return {
    attributes: attributesOf(delivery, (name) => properties[`ce_${name}`]),
    data: format === 'bytes' ? payload : jsonIn(delivery),
  };
}

function readStructured(delivery: Delivery): IncomingEvent {
  const event = jsonIn(delivery);
  if (!isJsonObject(event)) throw new PayloadInvalidError(delivery.topic, 'a CloudEvent is a JSON object');
  const { data, data_base64: base64 } = event;
  return {
    attributes: attributesOf(delivery, (name) => textOf(event, name)),
    data: typeof base64 === 'string' ? Buffer.from(base64, 'base64') : data,
  };
}

function attributesOf(delivery: Delivery, attribute: (name: string) => string | undefined): EventAttributes {
  const { topic, partition, position, eventTimeMs } = delivery;
  const [type, source, subject] = [attribute('type'), attribute('source'), attribute('subject')];
  const timeMs = eventTimeMs ?? timeIn(attribute('time'));
  return {
    id: attribute('id') ?? `${topic}/${partition}/${position.join(':')}`,
    ...(type === undefined ? {} : { type }),
    ...(source === undefined ? {} : { source }),
    ...(subject === undefined ? {} : { subject }),
    ...(timeMs === undefined ? {} : { timeMs }),
  };
}

function jsonIn({ topic, payload }: Delivery): unknown {
  try {
    return JSON.parse(Buffer.from(payload.buffer, payload.byteOffset, payload.byteLength).toString('utf8'));
  } catch (error) {
    throw new PayloadInvalidError(topic, `it is not JSON: ${(error as Error).message}`);
  }
}

function textOf(event: JsonObject, name: string): string | undefined {
  const value = event[name];
  return typeof value === 'string' ? value : undefined;
}

function timeIn(text: string | undefined): number | undefined {
  const timeMs = Date.parse(text ?? '');
  return Number.isNaN(timeMs) ? undefined : timeMs;
}
