import { type Delivery, type OutgoingMessage, PRODUCER_PROPERTY, SEQUENCE_PROPERTY } from '#libs/messaging';
import type { NativeMessage, NativeOutgoing } from './native-client.js';
import type { Place } from './message-id.js';

// The client shows no sequence id of a message. So it travels as a property, which is taken off again on arrival: under
// the names that messaging-websocket uses, so that either reads what the other has written.

const SENDER_PROPERTY = 'millrace-sender';
const SENDER_SEQUENCE_PROPERTY = 'millrace-sender-seq';
/** Pulsar takes the event time 0 for none. */
const EPOCH_PROPERTY = 'millrace-event-time-zero';

export function nativeMessage(message: OutgoingMessage, producerName: string): NativeOutgoing {
  const { payload, key, eventTimeMs, sequenceId } = message;
  return {
    data: Buffer.from(payload.buffer, payload.byteOffset, payload.byteLength),
    properties: propertiesOf(message, producerName),
    ...(key === undefined ? {} : { partitionKey: key }),
    ...(eventTimeMs === undefined ? {} : { eventTimestamp: eventTimeMs }),
    ...(sequenceId === undefined ? {} : { sequenceId }),
  };
}

function propertiesOf(message: OutgoingMessage, producerName: string): Record<string, string> {
  const { properties = {}, sequenceId, eventTimeMs } = message;
  const all = { ...properties, ...(eventTimeMs === 0 ? { [EPOCH_PROPERTY]: '' } : {}) };
  if (sequenceId === undefined) return all;
  const isSaid =
    properties[PRODUCER_PROPERTY] === producerName && properties[SEQUENCE_PROPERTY] === String(sequenceId);
  if (isSaid) return all;
  return { ...all, [SENDER_PROPERTY]: producerName, [SENDER_SEQUENCE_PROPERTY]: String(sequenceId) };
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
    ...properties
  } = { ...message.getProperties() };
  const producerName = sender ?? message.getProducerName();
  const isOwnNumber = properties[PRODUCER_PROPERTY] === producerName;
  const sequenceId = numberOf(senderSequence ?? (isOwnNumber ? properties[SEQUENCE_PROPERTY] : undefined));
  const key = message.getPartitionKey();
  const eventTimeMs = message.getEventTimestamp();
  return {
    ...from,
    position,
    payload: message.getData(),
    publishTimeMs: message.getPublishTimestamp(),
    properties,
    producerName,
    ...(key === '' ? {} : { key }),
    ...(eventTimeMs === 0 && epoch === undefined ? {} : { eventTimeMs }),
    ...(sequenceId === undefined ? {} : { sequenceId }),
  };
}

function numberOf(text: string | undefined): number | undefined {
  if (text === undefined || !/^\d{1,16}$/.test(text)) return undefined;
  const value = Number(text);
  return Number.isSafeInteger(value) ? value : undefined;
}
