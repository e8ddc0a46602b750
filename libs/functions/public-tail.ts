import {
  ClosedError,
  CONTENT_TYPE,
  FRAME_CONTENT_TYPE,
  type MessageBroker,
  type OutgoingMessage,
  type Position,
  PRODUCER_PROPERTY,
  SEQUENCE_PROPERTY,
} from '#libs/messaging';

const READ = { maxMessages: 1_000, maxBytes: 8 * 1024 * 1024, waitMs: 1_000 };

/** Is it for readers that know nothing of our numbers. Frames are read by tasks, which drop repeats themselves. */
export function isPublic({ properties }: OutgoingMessage): boolean {
  return properties?.[CONTENT_TYPE]?.startsWith(FRAME_CONTENT_TYPE) !== true;
}

/**
 * The highest number that stands in a partition of a producer's messages; -1 if none. For a broker that may have
 * forgotten the numbers: what it has stored says them.
 *
 * @param after where to begin: what stands before is known; undefined: with the first message that is kept
 */
export async function lastNumberInTail(
  broker: MessageBroker,
  { topic, partition, producerName }: { topic: string; partition: number; producerName: string },
  after: Position | undefined,
  signal: AbortSignal,
): Promise<number> {
  const reader = await broker.openReader({ topic, partition, from: after ?? 'earliest' });
  try {
    let last = -1;
    while (!(await reader.isCaughtUp())) {
      // Not knowing is not the same as nothing being there.
      if (signal.aborted) throw new ClosedError(`the end of ${topic}`);
      for (const delivery of await reader.receive({ ...READ, signal })) {
        const { properties } = delivery;
        const isOurs =
          properties[PRODUCER_PROPERTY] === producerName &&
          (delivery.producerName ?? producerName) === producerName;
        if (isOurs) last = Math.max(last, Number(properties[SEQUENCE_PROPERTY]));
      }
    }
    return last;
  } finally {
    await reader.close();
  }
}
