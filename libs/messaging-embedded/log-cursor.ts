import { ClosedError, type Delivery, type Position, type ReceiveOptions } from '#libs/messaging';
import { type Clock, damageOf } from '#libs/kernel';
import type { LogDatabase } from './log-database.js';
import { assertSealed, decodeEntry } from './log-entry.js';
import { LogDamagedError } from './messaging-embedded.errors.js';
import type { PartitionLog } from './partition-log.js';
import { receiveWhenThere } from './receive-when-there.js';

/** The place of an entry; this log has neither ledgers nor batches. */
export function positionOf(entryId: number): Position {
  return [0, entryId, 0, 0];
}

/** The entry that a position names; -1: before the first. */
export function entryIdOf(position: Position): number {
  return position[0] < 0 ? -1 : position[1];
}

/** Reads one partition in order. */
export class LogCursor {
  #nextId: number;
  #isClosed = false;
  readonly #closing = new AbortController();
  readonly #log: PartitionLog;
  readonly #database: LogDatabase;
  readonly #clock: Clock;

  constructor(options: { log: PartitionLog; database: LogDatabase; clock: Clock; nextId: number }) {
    this.#log = options.log;
    this.#database = options.database;
    this.#clock = options.clock;
    this.#nextId = options.nextId;
  }

  /** Stored but not received. */
  get backlogMessages(): number {
    return this.#log.storedEndId - this.#place();
  }

  seekAfter(entryId: number): void {
    this.assertOpen();
    // Before the first that is left means: at it. Behind the last means: at what comes next.
    this.#nextId = Math.max(0, Math.min(entryId + 1, this.#log.storedEndId));
  }

  async receive(options: ReceiveOptions): Promise<readonly Delivery[]> {
    this.assertOpen();
    const deliveries = await receiveWhenThere(options, {
      clock: this.#clock,
      closing: this.#closing.signal,
      take: () => this.#take(options),
      onMore: (wake) => this.#log.onMore(wake),
    });
    this.assertOpen();
    return deliveries;
  }

  close(): void {
    this.#isClosed = true;
    this.#closing.abort();
  }

  assertOpen(): void {
    if (this.#isClosed)
      throw new ClosedError(`the reader of partition ${this.#log.partition} of ${this.#log.topic}`);
  }

  /** What has been removed before it was read is passed over. */
  #place(): number {
    return Math.min(Math.max(this.#nextId, this.#log.headId), this.#log.storedEndId);
  }

  #take({ maxMessages, maxBytes }: ReceiveOptions): Delivery[] {
    const deliveries: Delivery[] = [];
    let bytes = 0;
    let id = this.#place();
    while (id < this.#log.storedEndId && deliveries.length < maxMessages && bytes < maxBytes) {
      const delivery = this.#read(id++);
      bytes += delivery.payload.byteLength;
      deliveries.push(delivery);
    }
    this.#nextId = id;
    return deliveries;
  }

  #value(key: [number, number]): Buffer | undefined {
    const value = this.#database.entries.get(key);
    if (value !== undefined) return value;
    // LMDB reads from a snapshot that it renews by itself; here it may be older than the entry.
    this.#database.root.resetReadTxn();
    return this.#database.entries.get(key);
  }

  #read(id: number): Delivery {
    const { topic, partition, number } = this.#log;
    try {
      const value = this.#value([number, id]);
      if (value === undefined) throw new RangeError('it is missing');
      assertSealed(value, [number, id]);
      return { topic, partition, position: positionOf(id), ...decodeEntry(value) };
    } catch (error) {
      const reason = damageOf(error) ?? (error instanceof Error ? error.message : String(error));
      throw new LogDamagedError(topic, partition, id, reason);
    }
  }
}
