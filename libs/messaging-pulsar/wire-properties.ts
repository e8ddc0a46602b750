import {
  type Delivery,
  type OutgoingMessage,
  PRODUCER_PROPERTY,
  SEQUENCE_PROPERTY,
  sequenceNumber,
  takeSenderProperties,
  withSenderProperties,
} from '#libs/messaging';
import type { NativeMessage, NativeOutgoing } from './native-client.js';
import type { Place } from './message-id.js';

// The client shows no sequence id of a message. So it travels as a property, which is taken off again on arrival.

export function nativeMessage(message: OutgoingMessage, producerName: string): NativeOutgoing {
  const { payload, key, eventTimeMs, sequenceId } = message;
  return {
    data: Buffer.from(payload.buffer, payload.byteOffset, payload.byteLength),
    properties: withSenderProperties(message, producerName),
    ...(key === undefined ? {} : { partitionKey: key }),
    ...(eventTimeMs === undefined || eventTimeMs < 0 ? {} : { eventTimestamp: eventTimeMs }),
    ...(sequenceId === undefined ? {} : { sequenceId }),
  };
}

/** A message as the client gives it, as a delivery. */
export function deliveryOf(
  message: NativeMessage,
  { position }: Place,
  from: Pick<Delivery, 'topic' | 'partition'>,
): Delivery {
  const { properties, sender, senderSequence, earlyTimeMs } = takeSenderProperties({
    ...message.getProperties(),
  });
  const producerName = sender ?? message.getProducerName();
  const isOwnNumber = properties[PRODUCER_PROPERTY] === producerName;
  const sequenceId = sequenceNumber(
    senderSequence ?? (isOwnNumber ? properties[SEQUENCE_PROPERTY] : undefined),
  );
  const key = message.getPartitionKey();
  const eventTimeMs = earlyTimeMs ?? timeOf(message.getEventTimestamp());
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

function timeOf(timestamp: number): number | undefined {
  return timestamp > 0 && timestamp <= MAX_DATE_MS ? timestamp : undefined;
}
