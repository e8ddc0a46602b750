import { type Delivery, type OutgoingMessage, PRODUCER_PROPERTY, SEQUENCE_PROPERTY } from '#libs/messaging';
import type { NativeMessage, NativeOutgoing } from './native-client.js';
import type { Place } from './message-id.js';

// The client shows no sequence id of a message. So it travels as a property, which is taken off again on arrival: under
// the names that messaging-websocket uses, so that either reads what the other has written.

const SENDER_PROPERTY = 'millrace-sender';
const SENDER_SEQUENCE_PROPERTY = 'millrace-sender-seq';
/** Pulsar takes the event time 0 for none. */
const EPOCH_PROPERTY = 'millrace-event-time-zero';
/** The client passes on no event time before 1970. */
const EARLY_PROPERTY = 'millrace-event-time';

export function nativeMessage(message: OutgoingMessage, producerName: string): NativeOutgoing {
  const { payload, key, eventTimeMs, sequenceId } = message;
  return {
    data: Buffer.from(payload.buffer, payload.byteOffset, payload.byteLength),
    properties: propertiesOf(message, producerName),
    ...(key === undefined ? {} : { partitionKey: key }),
    ...(eventTimeMs === undefined || eventTimeMs < 0 ? {} : { eventTimestamp: eventTimeMs }),
    ...(sequenceId === undefined ? {} : { sequenceId }),
  };
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

function timeProperties(eventTimeMs: number | undefined): Record<string, string> {
  if (eventTimeMs === undefined || eventTimeMs > 0) return {};
  return eventTimeMs === 0 ? { [EPOCH_PROPERTY]: '' } : { [EARLY_PROPERTY]: String(eventTimeMs) };
}

/** A message as the client gives it, as a delivery. */
export function deliveryOf(
  message: NativeMessage,
  { position }: Place,
  from: Pick<Delivery, 'topic' | 'partition'>,
): Delivery {
  const {
    [SENDER_PROPERTY]: sender,
    [SENDER_SEQUENCE_PROPERTY]: senderSequence,
    [EPOCH_PROPERTY]: epoch,
    [EARLY_PROPERTY]: early,
    ...properties
  } = { ...message.getProperties() };
  const producerName = sender ?? message.getProducerName();
  const isOwnNumber = properties[PRODUCER_PROPERTY] === producerName;
  const sequenceId = numberOf(senderSequence ?? (isOwnNumber ? properties[SEQUENCE_PROPERTY] : undefined));
  const key = message.getPartitionKey();
  const eventTimeMs = eventTimeOf(message.getEventTimestamp(), epoch, early);
  return {
    ...from,
    position,
    payload: message.getData(),
    publishTimeMs: message.getPublishTimestamp(),
    properties,
    producerName,
    ...(key === '' ? {} : { key }),
    ...(eventTimeMs === undefined ? {} : { eventTimeMs }),
    ...(sequenceId === undefined ? {} : { sequenceId }),
  };
}

/** The ends of what a Date can say. What another client stored from before 1970 comes as a number far beyond. */
const MAX_DATE_MS = 8_640_000_000_000_000;

function eventTimeOf(
  timestamp: number,
  epoch: string | undefined,
  early: string | undefined,
): number | undefined {
  // First: the other client writes such a time both ways.
  if (epoch !== undefined) return 0;
  if (early !== undefined && /^-\d{1,16}$/.test(early)) return Number(early);
  return timestamp > 0 && timestamp <= MAX_DATE_MS ? timestamp : undefined;
}

function numberOf(text: string | undefined): number | undefined {
  if (text === undefined || !/^\d{1,16}$/.test(text)) return undefined;
  const value = Number(text);
  return Number.isSafeInteger(value) ? value : undefined;
}
