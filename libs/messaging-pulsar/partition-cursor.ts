import { BEFORE_FIRST, comparePositions, type Delivery, type Position } from '#libs/messaging';
import { entriesAfter, type PulsarAdmin } from '#libs/pulsar-admin';
import { type Place, placeOf } from './message-id.js';
import type { NativeMessage } from './native-client.js';
import { deliveryOf } from './wire-properties.js';

interface OfPartition {
  readonly topic: string;
  readonly partition: number;
}

/**
 * How far a partition has been read through one consumer or reader. A message comes once and in order: after a new
 * connection the broker gives again what was not acknowledged, and what stands at or before the last one is passed over.
 */
export class PartitionCursor {
  #drawn: Position;
  #received: Place;
  /** Entries of several messages that are not acknowledged yet, with the size of each: `ledger:entry` → messages. */
  readonly #batches = new Map<string, number>();

  constructor(
    private readonly of: OfPartition,
    after: Position,
  ) {
    this.#drawn = after;
    this.#received = { position: after, batchSize: 1 };
  }

  /** The message as a delivery; undefined where it stands before what comes next. */
  draw(message: NativeMessage): Delivery | undefined {
    const place = placeOf(message.getMessageId()) ?? { position: BEFORE_FIRST, batchSize: 1 };
    const isStored = place.position[0] >= 0;
    if (isStored && comparePositions(place.position, this.#drawn) <= 0) return undefined;
    if (isStored) this.#drawn = place.position;
    if (place.batchSize > 1) this.#batches.set(entryKey(place.position), place.batchSize);
    return deliveryOf(message, place, this.of);
  }

  /** Whether everything up to a position has come. */
  hasDrawn(position: Position): boolean {
    return comparePositions(position, this.#drawn) <= 0;
  }

  /** These have been handed out. */
  receive(deliveries: readonly Delivery[]): readonly Delivery[] {
    const last = deliveries.at(-1);
    if (last !== undefined && last.position[0] >= 0) {
      this.#received = {
        position: last.position,
        batchSize: this.#batches.get(entryKey(last.position)) ?? 1,
      };
    }
    return deliveries;
  }

  /** Messages that are stored and have not been handed out; of entries that were never drawn, each counts one. */
  async backlog(admin: PulsarAdmin): Promise<number> {
    const stats = await admin.topics.internalStats(this.of.topic, this.of.partition);
    const { position, batchSize } = this.#received;
    const restOfBatch = batchSize === 1 ? 0 : batchSize - 1 - position[2];
    return restOfBatch + entriesAfter(stats, { ledgerId: position[0], entryId: position[1] });
  }

  /**
   * The last entry of which everything stands at or before a position; undefined: none does. An entry is acknowledged
   * as a whole, so one that is not known to end there waits for the next.
   */
  wholeEntry(position: Position): { readonly ledgerId: number; readonly entryId: number } | undefined {
    const [ledgerId, entryId, batchIndex] = position;
    if (ledgerId < 0) return undefined;
    const isWhole = this.hasDrawn(position) && batchIndex >= (this.#batches.get(entryKey(position)) ?? 1) - 1;
    const whole = isWhole ? entryId : entryId - 1;
    return whole < 0 ? undefined : { ledgerId, entryId: whole };
  }

  /** Acknowledged up to here: what is kept of batches before it may go. */
  forgetBefore(position: Position): void {
    for (const key of this.#batches.keys()) {
      const [ledgerId = 0, entryId = 0] = key.split(':').map(Number);
      if (comparePositions([ledgerId, entryId, 0, 0], [position[0], position[1], 0, 0]) >= 0) return;
      this.#batches.delete(key);
    }
  }
}

function entryKey([ledgerId, entryId]: Position): string {
  return `${ledgerId}:${entryId}`;
}
