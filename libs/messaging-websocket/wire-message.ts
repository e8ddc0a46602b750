import {
  type Delivery,
  type OutgoingMessage,
  type Position,
  PRODUCER_PROPERTY,
  SEQUENCE_PROPERTY,
  sequenceNumber,
  takeSenderProperties,
  withSenderProperties,
} from '#libs/messaging';

// Messages as the WebSocket API writes them. It says nothing of who wrote a message and ignores the sequence id, so both
// travel as properties.

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
    properties: withSenderProperties(message, producerName),
    context,
    ...(key === undefined ? {} : { key }),
    ...(eventTimeMs === undefined ? {} : { eventTime: new Date(eventTimeMs).toISOString() }),
  });
}

/** Where a message stands. */
export interface Place {
  readonly topic: string;
  readonly partition: number;
  readonly position: Position;
}

export function decodeDelivery(wire: WireMessage, place: Place): Delivery {
  const { properties, sender, senderSequence, earlyTimeMs } = takeSenderProperties(wire.properties ?? {});
  return {
    ...place,
    payload: Buffer.from(wire.payload ?? '', 'base64'),
    publishTimeMs: parseTime(wire.publishTime) ?? 0,
    properties,
    ...given('key', wire.key),
    ...given('eventTimeMs', earlyTimeMs ?? parseTime(wire.eventTime)),
    ...given('producerName', sender ?? properties[PRODUCER_PROPERTY]),
    ...given('sequenceId', sequenceNumber(senderSequence ?? properties[SEQUENCE_PROPERTY])),
  };
}

/** The field, where there is a value for it. */
function given<Name extends string, T>(name: Name, value: T | undefined): { readonly [N in Name]?: T } {
  return (value === undefined ? {} : { [name]: value }) as { readonly [N in Name]?: T };
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
