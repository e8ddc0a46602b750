import { LogFullError } from '#libs/messaging';
import { FACTS, type Telemetry } from '#libs/observability';
import type { LogChange } from './log-database.js';
import { storedBytes, type PartitionLog } from './partition-log.js';

/** This part of the cap is divided among the topics, as room that no other topic can take. */
const RESERVED_SHARE = 1 / 4;

/** However much others take of the same room, the log keeps this part of its cap. */
const LEAST_SHARE = 1 / 4;

export interface SpaceLimits {
  /** What the log and `otherBytes` may take together, in bytes. */
  readonly maxBytes: number;
  /** What others take of the same room now. Asked often: must be cheap. Default: nothing. */
  readonly otherBytes?: () => number;
}

interface TopicSpace {
  readonly partitions: readonly PartitionLog[];
  readonly retentionMs: number | undefined;
  bytes: number;
}

/**
 * What the log may take on disk, and what goes when it is too much.
 *
 * S1. Only what every subscription of its topic has acknowledged is ever removed, oldest first over all topics.
 * S2. Every topic can always hold its share of the reserve. So a backlog in one topic can't keep the next stage
 *     from writing what it needs to write before it can acknowledge: the log fills, but never locks up.
 */
export class LogSpace {
  usedBytes = 0;
  readonly #limits: SpaceLimits;
  readonly #telemetry: Telemetry;
  readonly #topics = new Map<string, TopicSpace>();
  #removed: { readonly topic: string; readonly reason: string; readonly entries: number }[] = [];

  constructor(limits: SpaceLimits, telemetry: Telemetry) {
    this.#limits = limits;
    this.#telemetry = telemetry;
  }

  setTopic(topic: string, partitions: readonly PartitionLog[], retentionMs: number | undefined): void {
    const bytes =
      this.#topics.get(topic)?.bytes ?? partitions.reduce((sum, partition) => sum + partition.bytes, 0);
    if (!this.#topics.has(topic)) this.usedBytes += bytes;
    this.#topics.set(topic, { partitions, retentionMs, bytes });
  }

  removeTopic(topic: string): void {
    this.#topics.delete(topic);
  }

  /** Counts anew, after a failed write. */
  recount(): void {
    this.usedBytes = 0;
    this.#removed = [];
    for (const space of this.#topics.values()) {
      space.bytes = space.partitions.reduce((sum, partition) => sum + partition.bytes, 0);
      this.usedBytes += space.bytes;
    }
  }

  /**
   * Takes the room for one more entry, removing what may go where that is needed.
   *
   * @throws LogFullError
   */
  take(topic: string, valueBytes: number, changes: LogChange[]): void {
    const bytes = storedBytes(valueBytes);
    while (this.#lacks(topic, bytes)) {
      const oldest = this.#oldestRemovable();
      if (oldest === undefined) throw new LogFullError(this.usedBytes, this.#maxBytes);
      this.#removeOldestOf(oldest, 'size', changes);
    }
    this.usedBytes += bytes;
    this.#topics.get(topic)!.bytes += bytes;
  }

  /** Removes what its topic's retention no longer wants; at most `maxSegments`. True: there is more. */
  removeExpired(nowMs: number, maxSegments: number, changes: LogChange[]): boolean {
    let left = maxSegments;
    for (const { partitions, retentionMs } of this.#topics.values()) {
      if (retentionMs === undefined) continue;
      for (const partition of partitions) {
        while (isExpired(partition, retentionMs, nowMs)) {
          if (left-- === 0) return true;
          this.#removeOldestOf(partition, 'retention', changes);
        }
      }
    }
    return false;
  }

  /** Would {@link removeExpired} find something. */
  hasExpired(nowMs: number): boolean {
    return [...this.#topics.values()].some(
      ({ partitions, retentionMs }) =>
        retentionMs !== undefined && partitions.some((partition) => isExpired(partition, retentionMs, nowMs)),
    );
  }

  /** The batch is on disk: say what it did. */
  afterStored(): void {
    for (const { topic, reason, entries } of this.#removed) {
      this.#telemetry.record(FACTS.logEntriesRemoved, { topic, reason }, entries);
    }
    this.#removed = [];
    this.#telemetry.record(FACTS.logBytes, {}, this.usedBytes);
  }

  get #maxBytes(): number {
    const { maxBytes, otherBytes } = this.#limits;
    return Math.max(maxBytes * LEAST_SHARE, maxBytes - (otherBytes?.() ?? 0));
  }

  #lacks(topic: string, bytes: number): boolean {
    const afterwards = this.usedBytes + bytes;
    const maxBytes = this.#maxBytes;
    if (afterwards <= maxBytes * (1 - RESERVED_SHARE)) return false;
    return afterwards + this.#reservedForOthers(topic, maxBytes) > maxBytes;
  }

  #reservedForOthers(topic: string, maxBytes: number): number {
    const share = (maxBytes * RESERVED_SHARE) / this.#topics.size;
    let reserved = 0;
    for (const [name, { bytes }] of this.#topics) if (name !== topic) reserved += Math.max(0, share - bytes);
    return reserved;
  }

  #oldestRemovable(): PartitionLog | undefined {
    let oldest: PartitionLog | undefined;
    let oldestMs = Infinity;
    for (const { partitions } of this.#topics.values()) {
      for (const partition of partitions) {
        const publishMs = partition.oldestRemovableMs();
        if (publishMs === undefined || publishMs >= oldestMs) continue;
        oldest = partition;
        oldestMs = publishMs;
      }
    }
    return oldest;
  }

  #removeOldestOf(partition: PartitionLog, reason: string, changes: LogChange[]): void {
    const { entries, bytes } = partition.removeOldestSegment(changes);
    this.usedBytes -= bytes;
    this.#topics.get(partition.topic)!.bytes -= bytes;
    this.#removed.push({ topic: partition.topic, reason, entries });
  }
}

function isExpired(partition: PartitionLog, retentionMs: number, nowMs: number): boolean {
  const sinceMs = partition.removableSinceMs();
  return sinceMs !== undefined && nowMs - sinceMs >= retentionMs;
}
