import { type DeadEvent, MAX_DEAD_ORIGINAL_BYTES, type StreamEvent, isStreamName } from '#libs/kernel';
import type { Delivery } from '#libs/messaging';

/** The stream of messages that name none. */
const NO_STREAM = 'messages';
const STREAM_OF_SOURCE = /^\/pipelines\/[^/]+\/streams\/([^/]+)$/;

/**
 * The event of a public message: a CloudEvent in binary mode, or any JSON. Where attributes are missing, the message
 * itself tells: its place for the id, its times, its key.
 *
 * @returns a dead event where the payload is no JSON
 */
export function readMessage(delivery: Delivery): StreamEvent | DeadEvent {
  const { topic, partition, position, properties, key, publishTimeMs } = delivery;
  const id = properties['ce_id'] ?? `${topic}/${partition}/${position.join(':')}`;
  const stream = streamOf(properties['ce_source']);
  const text = Buffer.from(delivery.payload).toString('utf8');
  try {
    return {
      id,
      stream,
      timeMs: timeOf(delivery),
      receivedMs: publishTimeMs,
      ...(key === undefined ? {} : { key }),
      type: properties['ce_type'] ?? topic.slice(topic.lastIndexOf('/') + 1),
      data: JSON.parse(text) as unknown,
    };
  } catch (error) {
    return {
      id,
      stream,
      receivedMs: publishTimeMs,
      dead: {
        code: 'MESSAGE_NOT_JSON',
        reason: `the message is no JSON: ${(error as Error).message}`,
        stage: 'functions',
        attempts: 1,
        original: text.slice(0, MAX_DEAD_ORIGINAL_BYTES / 4),
        originalBytes: delivery.payload.byteLength,
      },
    };
  }
}

function streamOf(source: string | undefined): string {
  const stream = STREAM_OF_SOURCE.exec(source ?? '')?.[1];
  return stream !== undefined && isStreamName(stream) ? stream : NO_STREAM;
}

function timeOf({ eventTimeMs, properties, publishTimeMs }: Delivery): number {
  if (eventTimeMs !== undefined) return eventTimeMs;
  const timeMs = Date.parse(properties['ce_time'] ?? '');
  return Number.isNaN(timeMs) ? publishTimeMs : timeMs;
}
