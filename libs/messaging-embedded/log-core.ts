import {
  type SubscriptionSpec,
  TopicMismatchError,
  TopicMissingError,
  type TopicSpec,
} from '#libs/messaging';
import { assertDiskRoom, type Clock } from '#libs/kernel';
import type { Telemetry } from '#libs/observability';
import {
  applyChanges,
  nameKey,
  openLogDatabase,
  type LogChange,
  type LogDatabase,
  type StoredTopic,
} from './log-database.js';
import { LogSpace, type SpaceLimits } from './log-space.js';
import { LogWriteError } from './messaging-embedded.errors.js';
import { PartitionLog } from './partition-log.js';
import { type LogWrite, WriteQueue } from './write-queue.js';

export interface LogCoreOptions extends SpaceLimits {
  readonly folder: string;
  readonly clock: Clock;
  readonly telemetry: Telemetry;
}

/** A segment is at most so large: what is removed at once. Small logs have smaller ones. */
const MAX_SEGMENT_BYTES = 1024 * 1024;
const SEGMENTS_PER_LOG = 64;
/** Expired segments go this many at a time, so that sends don't wait for long behind them. */
const SWEEP_SEGMENTS = 16;
const SWEEP_EVERY_MS = 1_000;

/** The durable topics: the one place that writes the database. */
export class LogCore {
  readonly database: LogDatabase;
  readonly space: LogSpace;
  readonly #options: LogCoreOptions;
  readonly #queue: WriteQueue;
  readonly #topics = new Map<string, { stored: StoredTopic; partitions: readonly PartitionLog[] }>();
  /** Partitions that the batch has added to. */
  readonly #touched = new Set<PartitionLog>();
  #cancelSweep: () => void = () => undefined;
  #isSweeping = false;

  constructor(options: LogCoreOptions) {
    this.#options = options;
    this.database = openLogDatabase(options.folder);
    this.space = new LogSpace(options, options.telemetry);
    this.#queue = new WriteQueue({
      apply: async (changes) => {
        assertDiskRoom(options.folder);
        await applyChanges(this.database, changes);
      },
      finish: (changes) => {
        for (const partition of this.#touched) partition.finish(changes);
      },
      afterStored: () => this.#afterStored(),
      afterFailed: (cause) => this.#afterFailed(cause),
    });
    for (const { value } of this.database.topics.getRange()) this.#adopt(value);
    this.#sweepLater();
  }

  get nowMs(): number {
    return this.#options.clock.nowMs();
  }

  partition(topic: string, partition: number): PartitionLog | undefined {
    return this.#topics.get(topic)?.partitions[partition];
  }

  partitionsOf(topic: string): number | undefined {
    return this.#topics.get(topic)?.partitions.length;
  }

  /** @throws TopicMissingError */
  async ensureSubscription({ topic, subscription, from }: SubscriptionSpec): Promise<void> {
    await this.write(0, (changes) => {
      const known = this.#topics.get(topic)?.stored;
      if (known === undefined) throw new TopicMissingError(topic, 0);
      if (known.subscriptions.includes(subscription)) return;
      const stored = { ...known, subscriptions: [...known.subscriptions, subscription] };
      changes.push({ table: 'topics', key: nameKey(topic), value: stored });
      for (const partition of this.#amend(stored).partitions) {
        partition.addSubscription(subscription, changes);
        if (from === 'latest')
          partition.acknowledge(subscription, partition.storedEndId - 1, this.nowMs, changes);
      }
    });
  }

  /** Makes the topic or adds what it lacks. @throws TopicMismatchError */
  async ensureTopic(spec: TopicSpec): Promise<void> {
    await this.write(0, (changes) => {
      const known = this.#topics.get(spec.name)?.stored;
      if (known !== undefined && known.partitions !== spec.partitions) {
        throw new TopicMismatchError(spec.name, 'partitions', known.partitions, spec.partitions);
      }
      const stored = merged(known, spec, this.#nextNumber());
      if (JSON.stringify(stored) === JSON.stringify(known)) return;
      changes.push({ table: 'topics', key: nameKey(spec.name), value: stored });
      const { partitions } = known === undefined ? this.#adopt(stored) : this.#amend(stored);
      for (const partition of partitions) {
        for (const name of stored.subscriptions) {
          if (known?.subscriptions.includes(name) !== true) partition.addSubscription(name, changes);
        }
      }
    });
  }

  /** Adds an entry where there is room. Gives its id. @throws LogFullError */
  append(partition: PartitionLog, value: Buffer, publishMs: number, changes: LogChange[]): number {
    this.space.take(partition.topic, value.byteLength, changes);
    this.#touched.add(partition);
    return partition.append(value, publishMs, changes);
  }

  submit(write: LogWrite): void {
    this.#queue.submit(write);
  }

  /** Waits for its turn, stages, and resolves with what that gave once it is flushed. */
  write<T>(bytes: number, stage: (changes: LogChange[]) => T): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      let result: T;
      this.#queue.submit({
        bytes,
        stage: (changes) => {
          result = stage(changes);
        },
        stored: () => resolve(result),
        failed: reject,
      });
    });
  }

  async acknowledge(partition: PartitionLog, subscription: string, upToId: number): Promise<void> {
    await this.write(0, (changes) => partition.acknowledge(subscription, upToId, this.nowMs, changes));
    this.#sweep();
  }

  async close(): Promise<void> {
    this.#cancelSweep();
    await this.#queue.close();
    await this.database.root.close();
  }

  #nextNumber(): number {
    return Math.max(
      0,
      ...[...this.#topics.values()].map(({ stored }) => stored.firstNumber + stored.partitions),
    );
  }

  #adopt(stored: StoredTopic): { readonly partitions: readonly PartitionLog[] } {
    const segmentBytes = Math.min(MAX_SEGMENT_BYTES, Math.ceil(this.#options.maxBytes / SEGMENTS_PER_LOG));
    const partitions = Array.from(
      { length: stored.partitions },
      (_, p) => new PartitionLog(stored, p, segmentBytes),
    );
    for (const partition of partitions) partition.load(this.database, stored.subscriptions, this.nowMs);
    const topic = { stored, partitions };
    this.#topics.set(stored.name, topic);
    this.space.setTopic(stored.name, partitions, stored.retentionMs);
    return topic;
  }

  #amend(stored: StoredTopic): { readonly partitions: readonly PartitionLog[] } {
    const topic = this.#topics.get(stored.name)!;
    topic.stored = stored;
    this.space.setTopic(stored.name, topic.partitions, stored.retentionMs);
    return topic;
  }

  #afterStored(): void {
    for (const partition of this.#touched) partition.afterStored();
    this.#touched.clear();
    this.space.afterStored();
  }

  /** Nothing of the batch is stored, so go back to what is: topics included. */
  #afterFailed(cause: unknown): LogWriteError {
    this.#touched.clear();
    for (const [name, topic] of this.#topics) {
      const stored = this.database.topics.get(nameKey(name));
      if (stored === undefined) {
        this.#topics.delete(name);
        this.space.removeTopic(name);
      } else {
        topic.stored = stored;
        for (const partition of topic.partitions)
          partition.load(this.database, stored.subscriptions, this.nowMs);
      }
    }
    this.space.recount();
    return new LogWriteError(this.#options.folder, cause);
  }

  #sweepLater(): void {
    this.#cancelSweep = this.#options.clock.after(SWEEP_EVERY_MS, () => {
      this.#sweep();
      this.#sweepLater();
    });
  }

  #sweep(): void {
    if (this.#isSweeping || !this.space.hasExpired(this.nowMs)) return;
    this.#isSweeping = true;
    this.write(0, (changes) => this.space.removeExpired(this.nowMs, SWEEP_SEGMENTS, changes)).then(
      (hasMore) => {
        this.#isSweeping = false;
        if (hasMore) this.#sweep();
      },
      // The next sweep tries again; whoever sends meets the same error and reports it.
      () => {
        this.#isSweeping = false;
      },
    );
  }
}

function merged(known: StoredTopic | undefined, spec: TopicSpec, nextNumber: number): StoredTopic {
  const retentionMs = spec.retentionMs ?? known?.retentionMs;
  return {
    name: spec.name,
    partitions: spec.partitions,
    firstNumber: known?.firstNumber ?? nextNumber,
    subscriptions: [...new Set([...(known?.subscriptions ?? []), ...(spec.subscriptions ?? [])])],
    ...(retentionMs === undefined ? {} : { retentionMs }),
  };
}
