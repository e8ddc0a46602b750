import type { LogChange, LogDatabase, StoredSegment, StoredTopic } from './log-database.js';
import { nameKey } from './log-database.js';
import { sealEntry } from './log-entry.js';

/** LMDB's page. A larger value takes whole pages of its own. */
const PAGE_BYTES = 4096;
const LARGEST_INLINE_BYTES = 2000;
/** The key and LMDB's own head of an entry, about. */
const ENTRY_OVERHEAD_BYTES = 48;
const MAX_SEGMENT_ENTRIES = 1024;

interface Segment {
  readonly firstId: number;
  readonly firstPublishMs: number;
  lastId: number;
  bytes: number;
  lastPublishMs: number;
  /** When every subscription had acknowledged it; undefined: not yet. */
  doneMs: number | undefined;
  /** Differs from what is stored. */
  isChanged: boolean;
}

/** What an entry with a value of this size takes on disk. */
export function storedBytes(valueBytes: number): number {
  const bytes = valueBytes + ENTRY_OVERHEAD_BYTES;
  return valueBytes <= LARGEST_INLINE_BYTES ? bytes : Math.ceil(bytes / PAGE_BYTES) * PAGE_BYTES;
}

/**
 * One partition: which entries it holds, and how far each subscription is.
 *
 * P1. Entries `[headId, endId)` are there without a gap, since only whole segments go, oldest first.
 * P2. What is staged becomes visible to readers (`storedEndId`) only once it is flushed.
 * P3. Ids are never used again: the end is stored with each batch, also where nothing is left.
 */
export class PartitionLog {
  /** In every key of this partition. */
  readonly number: number;
  readonly topic: string;
  readonly partition: number;
  /** Everything below is on disk. */
  storedEndId = 0;
  #endId = 0;
  #segments: Segment[] = [];
  readonly #acknowledged = new Map<string, number>();
  readonly #waiting = new Set<() => void>();
  readonly #segmentBytes: number;

  constructor(topic: StoredTopic, partition: number, segmentBytes: number) {
    this.topic = topic.name;
    this.partition = partition;
    this.number = topic.firstNumber + partition;
    this.#segmentBytes = segmentBytes;
  }

  get headId(): number {
    return this.#segments[0]?.firstId ?? this.#endId;
  }

  get bytes(): number {
    return this.#segments.reduce((sum, segment) => sum + segment.bytes, 0);
  }

  /** Takes on what is stored, at the start and after a failed write. */
  load(database: LogDatabase, subscriptions: readonly string[], nowMs: number): void {
    this.#endId = database.ends.get(this.number) ?? 0;
    this.storedEndId = this.#endId;
    this.#segments = [
      ...database.segments.getRange({ start: [this.number, 0], end: [this.number + 1, 0] }),
    ].map(({ key, value }) => ({ ...value, firstId: key[1], doneMs: undefined, isChanged: false }));
    this.#acknowledged.clear();
    for (const subscription of subscriptions) {
      this.#acknowledged.set(
        subscription,
        database.acknowledged.get([this.number, nameKey(subscription)]) ?? -1,
      );
    }
    this.#markDone(nowMs);
  }

  /** Adds an entry to the batch; gives its id. */
  append(value: Buffer, publishMs: number, changes: LogChange[]): number {
    const id = this.#endId++;
    const bytes = storedBytes(value.byteLength);
    const segment = this.#openSegment(id, bytes, publishMs);
    segment.lastId = id;
    segment.bytes += bytes;
    segment.lastPublishMs = publishMs;
    segment.doneMs = undefined;
    segment.isChanged = true;
    sealEntry(value, [this.number, id]);
    changes.push({ table: 'entries', key: [this.number, id], value });
    return id;
  }

  /** What a batch ends with: the segments that grew, and the end. */
  finish(changes: LogChange[]): void {
    for (let i = this.#segments.length - 1; i >= 0 && this.#segments[i]!.isChanged; i--) {
      const { firstId, lastId, bytes, firstPublishMs, lastPublishMs } = this.#segments[i]!;
      const value: StoredSegment = { lastId, bytes, firstPublishMs, lastPublishMs };
      changes.push({ table: 'segments', key: [this.number, firstId], value });
      this.#segments[i]!.isChanged = false;
    }
    changes.push({ table: 'ends', key: this.number, value: this.#endId });
  }

  /** The batch is flushed: readers may have it. */
  afterStored(): void {
    if (this.storedEndId === this.#endId) return;
    this.storedEndId = this.#endId;
    const waiting = [...this.#waiting];
    this.#waiting.clear();
    for (const wake of waiting) wake();
  }

  hasSubscription(subscription: string): boolean {
    return this.#acknowledged.has(subscription);
  }

  acknowledged(subscription: string): number {
    return this.#acknowledged.get(subscription) ?? -1;
  }

  /** A subscription from the first message that is still here. */
  addSubscription(subscription: string, changes: LogChange[]): void {
    this.#acknowledged.set(subscription, this.headId - 1);
    changes.push({
      table: 'acknowledged',
      key: [this.number, nameKey(subscription)],
      value: this.headId - 1,
    });
  }

  /** Never goes back, and not beyond what is stored. */
  acknowledge(subscription: string, upToId: number, nowMs: number, changes: LogChange[]): void {
    const id = Math.min(upToId, this.storedEndId - 1);
    if (id <= this.acknowledged(subscription)) return;
    this.#acknowledged.set(subscription, id);
    changes.push({ table: 'acknowledged', key: [this.number, nameKey(subscription)], value: id });
    this.#markDone(nowMs);
  }

  /** Publish time of the oldest entry, if its segment may go; undefined: somebody needs it, or there is none. */
  oldestRemovableMs(): number | undefined {
    const first = this.#segments[0];
    return first !== undefined && first.lastId <= this.#doneUpToId() ? first.firstPublishMs : undefined;
  }

  /** Since when the oldest segment has been of no use to anybody; undefined: it still is. */
  removableSinceMs(): number | undefined {
    const first = this.#segments[0];
    if (first === undefined || first.lastId > this.#doneUpToId()) return undefined;
    return this.#acknowledged.size === 0 ? first.lastPublishMs : first.doneMs;
  }

  /** Takes the oldest segment away; gives what became free. */
  removeOldestSegment(changes: LogChange[]): { readonly entries: number; readonly bytes: number } {
    const segment = this.#segments.shift();
    if (segment === undefined) return { entries: 0, bytes: 0 };
    for (let id = segment.firstId; id <= segment.lastId; id++)
      changes.push({ table: 'entries', key: [this.number, id] });
    changes.push({ table: 'segments', key: [this.number, segment.firstId] });
    return { entries: segment.lastId - segment.firstId + 1, bytes: segment.bytes };
  }

  /** Calls `wake` once when there is more to read. */
  onMore(wake: () => void): () => void {
    this.#waiting.add(wake);
    return () => this.#waiting.delete(wake);
  }

  #openSegment(id: number, bytes: number, publishMs: number): Segment {
    const last = this.#segments.at(-1);
    const hasRoom =
      last !== undefined &&
      last.bytes + bytes <= this.#segmentBytes &&
      id - last.firstId < MAX_SEGMENT_ENTRIES;
    if (hasRoom) return last;
    const opened: Segment = {
      firstId: id,
      lastId: id,
      bytes: 0,
      firstPublishMs: publishMs,
      lastPublishMs: publishMs,
      doneMs: undefined,
      isChanged: true,
    };
    this.#segments.push(opened);
    return opened;
  }

  /** Without subscriptions everything counts as acknowledged. */
  #doneUpToId(): number {
    return Math.min(...this.#acknowledged.values());
  }

  #markDone(nowMs: number): void {
    const doneUpToId = this.#doneUpToId();
    for (let i = this.#segments.length - 1; i >= 0; i--) {
      const segment = this.#segments[i]!;
      if (segment.lastId > doneUpToId) continue;
      if (segment.doneMs !== undefined) return;
      segment.doneMs = nowMs;
    }
  }
}
