import {
  type Delivery,
  type OutgoingMessage,
  type Position,
  PRODUCER_PROPERTY,
  SEQUENCE_PROPERTY,
} from '#libs/messaging';

// Messages as the WebSocket API writes them. It says nothing of who wrote a message and ignores the sequence id, so both
// travel as properties, which are taken off again on arrival.

/** Who sent it, unless `millrace-producer` says the same. */
export const SENDER_PROPERTY = 'millrace-sender';
/** Its number, unless `millrace-seq` says the same. */
export const SENDER_SEQUENCE_PROPERTY = 'millrace-sender-seq';
/** Pulsar takes the event time 0 for none. */
const EPOCH_PROPERTY = 'millrace-event-time-zero';
/** The native client passes on no event time before 1970, and reads one from elsewhere as a number far off. */
const EARLY_PROPERTY = 'millrace-event-time';

/** What arrives for a message. */
export interface WireMessage {
  readonly messageId: string;
  readonly payload?: string;
  readonly properties?: Readonly<Record<string, string>>;
  readonly publishTime: string;
  readonly eventTime?: string;
  readonly key?: string;
}

/** The text that publishes a message. `context` comes back with the answer. */
export function encodeSend(message: OutgoingMessage, producerName: string, context: string): string {
  const { payload, key, eventTimeMs } = message;
  return JSON.stringify({
    payload: Buffer.from(payload.buffer, payload.byteOffset, payload.byteLength).toString('base64'),
    properties: propertiesOf(message, producerName),
    context,
    ...(key === undefined ? {} : { key }),
    ...(eventTimeMs === undefined ? {} : { eventTime: new Date(eventTimeMs).toISOString() }),
  });
}

function propertiesOf(message: OutgoingMessage, producerName: string): Record<string, string> {
  const { properties = {}, sequenceId, eventTimeMs } = message;
  const all = { ...properties, ...timeProperties(eventTimeMs) };
  if (sequenceId === undefined) return all;
  const isSaid =
    properties[PRODUCER_PROPERTY] === producerName && properties[SEQUENCE_PROPERTY] === String(sequenceId);
  if (isSaid) return all;
  return { ...all, [SENDER_PROPERTY]: producerName, [SENDER_SEQUENCE_PROPERTY]: String(sequenceId) };
}

/** As messaging-pulsar writes them, so that either client reads what the other has sent. */
function timeProperties(eventTimeMs: number | undefined): Record<string, string> {
  if (eventTimeMs === undefined || eventTimeMs > 0) return {};
  return eventTimeMs === 0 ? { [EPOCH_PROPERTY]: '' } : { [EARLY_PROPERTY]: String(eventTimeMs) };
}

/** Where a message stands. */
export interface Place {
  readonly topic: string;
  readonly partition: number;
  readonly position: Position;
}

export function decodeDelivery(wire: WireMessage, place: Place): Delivery {
  const {
    [SENDER_PROPERTY]: sender,
    [SENDER_SEQUENCE_PROPERTY]: senderSequence,
    [EPOCH_PROPERTY]: epoch,
    [EARLY_PROPERTY]: early,
    ...properties
  } = wire.properties ?? {};
  return {
    ...place,
    payload: Buffer.from(wire.payload ?? '', 'base64'),
    publishTimeMs: parseTime(wire.publishTime) ?? 0,
    properties,
    ...given('key', wire.key),
    ...given('eventTimeMs', earlyTime(epoch, early) ?? parseTime(wire.eventTime)),
    ...given('producerName', sender ?? properties[PRODUCER_PROPERTY]),
    ...given('sequenceId', numberIn(senderSequence ?? properties[SEQUENCE_PROPERTY])),
  };
}

function earlyTime(epoch: string | undefined, early: string | undefined): number | undefined {
  if (epoch !== undefined) return 0;
  return early !== undefined && /^-\d{1,16}$/.test(early) ? Number(early) : undefined;
}

/** The field, where there is a value for it. */
function given<Name extends string, T>(name: Name, value: T | undefined): { readonly [N in Name]?: T } {
  return (value === undefined ? {} : { [name]: value }) as { readonly [N in Name]?: T };
}

function numberIn(text: string | undefined): number | undefined {
  if (text === undefined || !/^\d{1,16}$/.test(text)) return undefined;
  const value = Number(text);
  return Number.isSafeInteger(value) ? value : undefined;
}

/** Java writes a year beyond 0 to 9999 as `-0044` or `+12345`; JavaScript reads those with six digits alone. */
const SIGNED_YEAR = /^([+-])(\d{4,6})-/;

/** Epoch milliseconds of a time as the broker writes it; undefined where there is none or it can't be read. */
export function parseTime(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const timeMs = Date.parse(
    text.replace(SIGNED_YEAR, (_, sign: string, year: string) => `${sign}${year.padStart(6, '0')}-`),
  );
  return Number.isNaN(timeMs) ? undefined : timeMs;
}
