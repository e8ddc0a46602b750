import { PRODUCER_PROPERTY, SEQUENCE_PROPERTY } from './frame.js';
import type { Delivery, OutgoingMessage } from './message.js';

// What a client of Pulsar can't carry in a message's own fields travels as properties, which are taken off again on
// arrival. One convention for every adapter, so that each reads what the others have written.

/** Who sent it, unless `millrace-producer` says the same. */
export const SENDER_PROPERTY = 'millrace-sender';
/** Its number, unless `millrace-seq` says the same. */
export const SENDER_SEQUENCE_PROPERTY = 'millrace-sender-seq';
/** Pulsar takes the event time 0 for none. */
const EPOCH_PROPERTY = 'millrace-event-time-zero';
/** The native client passes on no event time before 1970, and reads one from elsewhere as a number far off. */
const EARLY_PROPERTY = 'millrace-event-time';

/** The properties of a message with the ones that say who sent it, its number, and an event time up to 1970. */
export function withSenderProperties(message: OutgoingMessage, producerName: string): Record<string, string> {
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

/** What {@link withSenderProperties} has put on, taken off. */
export interface SenderFacts {
  /** The rest: what the sender gave. */
  readonly properties: Delivery['properties'];
  readonly sender?: string;
  /** Text, as anybody may have written it: {@link sequenceNumber} reads it. */
  readonly senderSequence?: string;
  /** Only of a time up to 1970. It goes before the message's own field: a client may write such a time both ways. */
  readonly earlyTimeMs?: number;
}

export function takeSenderProperties(all: Readonly<Record<string, string>>): SenderFacts {
  const {
    [SENDER_PROPERTY]: sender,
    [SENDER_SEQUENCE_PROPERTY]: senderSequence,
    [EPOCH_PROPERTY]: epoch,
    [EARLY_PROPERTY]: early,
    ...properties
  } = all;
  const earlyTimeMs = earlyTime(epoch, early);
  return {
    properties,
    ...(sender === undefined ? {} : { sender }),
    ...(senderSequence === undefined ? {} : { senderSequence }),
    ...(earlyTimeMs === undefined ? {} : { earlyTimeMs }),
  };
}

function earlyTime(epoch: string | undefined, early: string | undefined): number | undefined {
  if (epoch !== undefined) return 0;
  return early !== undefined && /^-\d{1,16}$/.test(early) ? Number(early) : undefined;
}

/** Undefined where the text is no number of a message. */
export function sequenceNumber(text: string | undefined): number | undefined {
  if (text === undefined || !/^\d{1,16}$/.test(text)) return undefined;
  const value = Number(text);
  return Number.isSafeInteger(value) ? value : undefined;
}
