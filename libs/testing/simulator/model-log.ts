import {
  ClosedError,
  type Delivery,
  type OutgoingMessage,
  type Position,
  type ReceiveOptions,
  type SendReceipt,
  type SubscriptionSpec,
  TopicMismatchError,
  TopicMissingError,
  type TopicSpec,
} from '#libs/messaging';

/** Small ledgers and batches, so that every component of a position counts. */
const ENTRIES_PER_LEDGER = 5;
const MESSAGES_PER_ENTRY = 3;
const MESSAGES_PER_LEDGER = ENTRIES_PER_LEDGER * MESSAGES_PER_ENTRY;

function positionAt(index: number): Position {
  const inLedger = index % MESSAGES_PER_LEDGER;
  return [
    Math.floor(index / MESSAGES_PER_LEDGER),
    Math.floor(inLedger / MESSAGES_PER_ENTRY),
    inLedger % MESSAGES_PER_ENTRY,
    0,
  ];
}

/** -1: before the first. */
function indexOf([ledgerId, entryId, batchIndex]: Position): number {
  return ledgerId < 0 ? -1 : ledgerId * MESSAGES_PER_LEDGER + entryId * MESSAGES_PER_ENTRY + batchIndex;
}

/** What the broker knows of an open producer or consumer. */
export interface Handle {
  isClosed: boolean;
  /** Called when it closes, whoever closes it. */
  onClose: () => void;
}

export function closeHandle(handle: Handle): void {
  if (handle.isClosed) return;
  handle.isClosed = true;
  handle.onClose();
}

/** Where a consumer or reader stands. */
export interface Cursor extends Handle {
  /** Of the next message. */
  next: number;
}

/** One partition of a topic, as the broker has it. */
export class ModelPartition {
  readonly producers = new Map<string, Handle>();
  readonly consumers = new Map<string, Cursor>();
  /** Index of the last acknowledged message, by subscription. */
  readonly #acknowledged = new Map<string, number>();
  readonly #sequences = new Map<string, number>();
  #messages: Delivery[] = [];
  /** What is before has been removed. */
  #head = 0;
  readonly #waiting = new Set<() => void>();

  constructor(
    readonly topic: string,
    readonly partition: number,
    /** Acknowledged messages that are kept. */
    private readonly kept: number,
  ) {}

  get end(): number {
    return this.#head + this.#messages.length;
  }

  get stored(): readonly Delivery[] {
    return this.#messages;
  }

  append(message: OutgoingMessage, producerName: string, publishTimeMs: number): SendReceipt {
    const { sequenceId } = message;
    if (sequenceId !== undefined && sequenceId <= this.lastSequenceId(producerName))
      return { duplicate: true };
    const { topic, partition } = this;
    const { payload, properties, ...rest } = message;
    const position = positionAt(this.end);
    this.#messages.push({
      ...rest,
      topic,
      partition,
      position,
      producerName,
      publishTimeMs,
      payload: Buffer.from(payload),
      properties: { ...properties },
    });
    if (sequenceId !== undefined) this.#sequences.set(producerName, sequenceId);
    for (const wake of [...this.#waiting]) wake();
    // What nobody reads now would be gone in a real one; a receipt says no more than that.
    return topic.startsWith('non-persistent') ? { duplicate: false } : { duplicate: false, position };
  }

  lastSequenceId(producerName: string): number {
    return this.#sequences.get(producerName) ?? -1;
  }

  /** Forgets the numbers of every producer that is not open now. */
  forgetProducers(): number {
    const gone = [...this.#sequences.keys()].filter((name) => !this.producers.has(name));
    for (const name of gone) this.#sequences.delete(name);
    return gone.length;
  }

  subscribe(subscription: string, from: SubscriptionSpec['from'] = 'earliest'): void {
    if (this.#acknowledged.has(subscription)) return;
    this.#acknowledged.set(subscription, from === 'latest' ? this.end - 1 : -1);
  }

  /** @throws TopicMismatchError if it was never made */
  acknowledged(subscription: string): number {
    const index = this.#acknowledged.get(subscription);
    if (index === undefined) throw new TopicMismatchError(this.topic, 'subscription', 'none', subscription);
    return index;
  }

  acknowledge(subscription: string, position: Position): void {
    this.#acknowledged.set(subscription, Math.max(this.acknowledged(subscription), indexOf(position)));
    const surplus = Math.min(...this.#acknowledged.values()) + 1 - this.kept - this.#head;
    if (surplus <= 0) return;
    this.#messages.splice(0, surplus);
    this.#head += surplus;
  }

  seekAfter(cursor: Cursor, position: Position): void {
    cursor.next = this.bounded(indexOf(position) + 1);
  }

  bounded(index: number): number {
    return Math.max(0, Math.min(index, this.end));
  }

  backlog(cursor: Cursor): number {
    return this.end - Math.max(cursor.next, this.#head);
  }

  /** What is there, or what comes first; nothing after `waitMs`, or when the signal aborts. */
  receive(
    cursor: Cursor,
    options: ReceiveOptions,
    after: (delayMs: number, action: () => void) => () => void,
  ): readonly Delivery[] | Promise<readonly Delivery[]> {
    const { signal, waitMs } = options;
    if (cursor.isClosed) throw new ClosedError(`the reader of ${this.topic}`);
    if (signal?.aborted === true) return [];
    const there = this.#take(cursor, options);
    if (there.length > 0 || waitMs <= 0) return there;
    return new Promise((resolve, reject) => {
      const { onClose } = cursor;
      const finish = (): void => {
        this.#waiting.delete(finish);
        cancel();
        signal?.removeEventListener('abort', finish);
        cursor.onClose = onClose;
        if (cursor.isClosed) reject(new ClosedError(`the reader of ${this.topic}`));
        else resolve(signal?.aborted === true ? [] : this.#take(cursor, options));
      };
      const cancel = after(waitMs, finish);
      this.#waiting.add(finish);
      signal?.addEventListener('abort', finish, { once: true });
      cursor.onClose = () => {
        onClose();
        finish();
      };
    });
  }

  #take(cursor: Cursor, { maxMessages, maxBytes }: ReceiveOptions): readonly Delivery[] {
    const deliveries: Delivery[] = [];
    let bytes = 0;
    cursor.next = Math.max(cursor.next, this.#head);
    while (cursor.next < this.end && deliveries.length < maxMessages && bytes < maxBytes) {
      const delivery = this.#messages[cursor.next++ - this.#head]!;
      bytes += delivery.payload.byteLength;
      deliveries.push(delivery);
    }
    return deliveries;
  }
}

/** All topics of one broker: what survives its clients. */
export class ModelLog {
  readonly #topics = new Map<string, ModelPartition[]>();

  /** @param kept acknowledged messages that a partition keeps. Default: all */
  constructor(private readonly kept = Infinity) {}

  ensureTopic({ name, partitions, subscriptions = [] }: TopicSpec): void {
    const found = this.#topics.get(name);
    if (found !== undefined && found.length !== partitions)
      throw new TopicMismatchError(name, 'partitions', found.length, partitions);
    const topic =
      found ?? Array.from({ length: partitions }, (_, i) => new ModelPartition(name, i, this.kept));
    this.#topics.set(name, topic);
    for (const partition of topic)
      for (const subscription of subscriptions) partition.subscribe(subscription);
  }

  partitionsOf(topic: string): number | undefined {
    return this.#topics.get(topic)?.length;
  }

  /** @throws TopicMissingError */
  ensureSubscription({ topic, subscription, from }: SubscriptionSpec): void {
    const found = this.#topics.get(topic);
    if (found === undefined) throw new TopicMissingError(topic, 0);
    for (const partition of found) partition.subscribe(subscription, from);
  }

  /** @throws TopicMissingError */
  partition(topic: string, partition: number): ModelPartition {
    const found = this.#topics.get(topic)?.[partition];
    if (found === undefined) throw new TopicMissingError(topic, partition);
    return found;
  }

  partitions(): readonly ModelPartition[] {
    return [...this.#topics.values()].flat();
  }
}
