import { ClosedError, comparePositions, type Delivery, type Position } from '#libs/messaging';
import { entryBeforeTail, lastEntryOf } from './partition-end.js';
import { WebSocketReader } from './websocket-reader.js';
import type { WebSocketTools } from './websocket-tools.js';

/**
 * How far back a producer's last number is looked for when it opens: further back it counts as forgotten, as a broker
 * forgets producers that were silent for long. Enough for a task that was down while others of its stage wrote.
 */
const LOOK_BACK = { maxEntries: 2_000, maxBytes: 8 * 1024 * 1024 };
const READ = { maxMessages: 1_000, maxBytes: 4 * 1024 * 1024, waitMs: 5_000 };
/** Behind everything in the entry. */
const END_OF_ENTRY = Number.MAX_SAFE_INTEGER;

export interface TailOptions {
  readonly tools: WebSocketTools;
  readonly topic: string;
  readonly partition: number;
  readonly producerName: string;
  /** Nothing that stands up to here matters. Undefined: as far back as is looked at all. */
  readonly after: Position | undefined;
  readonly signal: AbortSignal;
}

/** What the end of a partition tells a producer. */
export interface SequenceTail {
  /** The highest number of its messages there; −1 if none. */
  readonly lastSequenceId: number;
  /** Up to where this is known. */
  readonly end: Position;
}

/**
 * Reads the end of a partition for what a producer has stored. To be called while its name is held and nothing of it
 * is under way: then nothing of it can come behind the end.
 */
export async function readSequenceTail(options: TailOptions): Promise<SequenceTail> {
  const { tools, topic, partition, after } = options;
  const stats = await tools.admin.topics.internalStats(topic, partition);
  const { ledgerId, entryId } = lastEntryOf(stats);
  const end: Position = [ledgerId, entryId, END_OF_ENTRY, 0];
  const from = after ?? positionBefore(entryBeforeTail(stats, LOOK_BACK));
  if (comparePositions(from, [ledgerId, entryId, 0, 0]) >= 0 || ledgerId < 0)
    return { lastSequenceId: -1, end };
  return { lastSequenceId: await lastNumberBetween(options, from, [ledgerId, entryId, 0, 0]), end };
}

function positionBefore(
  entry: { readonly ledgerId: number; readonly entryId: number } | undefined,
): Position {
  return entry === undefined ? [-1, -1, -1, 0] : [entry.ledgerId, entry.entryId, END_OF_ENTRY, 0];
}

async function lastNumberBetween(options: TailOptions, start: Position, end: Position): Promise<number> {
  const { tools, topic, partition, producerName, signal } = options;
  const reader = new WebSocketReader({ tools, topic, partition, start, onClose: () => undefined });
  await reader.open();
  try {
    for (let last = -1; ;) {
      // Not knowing is not the same as nothing being there.
      if (signal.aborted) throw new ClosedError(`the producer ${producerName} of ${topic}`);
      const deliveries = await reader.receive({ ...READ, signal });
      last = Math.max(last, lastNumberAmong(deliveries, producerName));
      if (await hasReached(reader, deliveries, end)) return last;
    }
  } finally {
    await reader.close();
  }
}

function lastNumberAmong(deliveries: readonly Delivery[], producerName: string): number {
  let last = -1;
  for (const { producerName: name, sequenceId = -1 } of deliveries) {
    if (name === producerName) last = Math.max(last, sequenceId);
  }
  return last;
}

async function hasReached(
  reader: WebSocketReader,
  deliveries: readonly Delivery[],
  end: Position,
): Promise<boolean> {
  const place = deliveries.at(-1)?.position;
  // The end may have been removed meanwhile.
  if (place === undefined) return await reader.isCaughtUp();
  return comparePositions(place, end) >= 0;
}
