import { PlatformError } from '#libs/kernel';
import type { MessageProducer } from '#libs/messaging';
import { FACTS } from '#libs/observability';
import { type CommitVersion, type TaskId, taskName } from '#libs/storage';
import { withBackoff } from './backoff.js';
import { asError } from './functions.errors.js';
import type { Outbox, OutboxMessage } from './outbox.js';
import type { RuntimePorts } from './runtime-ports.js';

/**
 * Delivers committed outboxes of one task, one after the other, in the background: rows and documents, then
 * messages. Tries for ever while a retry can help.
 */
export class OutboxDelivery {
  /** Outboxes up to and with this commit are delivered. */
  deliveredCommitSeq: number;
  #pending = 0;
  #tail: Promise<void> = Promise.resolve();
  #failure: Error | undefined;
  #waitingFor: string | undefined;
  readonly #producers = new Map<string, Promise<MessageProducer>>();
  readonly #name: string;

  constructor(
    private readonly task: TaskId,
    private readonly ports: RuntimePorts,
    private readonly signal: AbortSignal,
    deliveredCommitSeq: number,
  ) {
    this.deliveredCommitSeq = deliveredCommitSeq;
    this.#name = taskName(task);
  }

  /** How many outboxes wait. */
  get pending(): number {
    return this.#pending;
  }

  /** What a failing delivery is stuck on, e.g. `deliver:results`. */
  get waitingFor(): string | undefined {
    return this.#waitingFor;
  }

  /** Queues an outbox; they are delivered in the order of the calls. */
  enqueue(version: CommitVersion, outbox: Outbox, afterDelivery: readonly (() => void)[]): void {
    this.#pending++;
    this.#tail = this.#tail.then(async () => {
      // An owner that was told to stop leaves the rest to the next one: it finds it in the store.
      if (this.#failure !== undefined || this.signal.aborted) return;
      try {
        await this.#deliver(version, outbox);
        this.deliveredCommitSeq = version.commitSeq;
        this.#pending--;
        for (const action of afterDelivery) action();
      } catch (error) {
        this.#failure = asError(error);
      }
    });
  }

  /** Resolves when fewer than `limit` outboxes wait. @throws what delivery failed with */
  async waitBelow(limit: number): Promise<void> {
    while (this.#pending >= limit && this.#failure === undefined && !this.signal.aborted) await this.#tail;
    if (this.#failure !== undefined) throw this.#failure;
  }

  /** @throws what delivery failed with, if it did */
  check(): void {
    if (this.#failure !== undefined) throw this.#failure;
  }

  async close(): Promise<void> {
    await this.#tail;
    for (const producer of this.#producers.values()) {
      await producer.then(
        (opened) => opened.close(),
        () => undefined,
      );
    }
  }

  async #deliver(version: CommitVersion, outbox: Outbox): Promise<void> {
    const startedMs = this.ports.clock.monotonicMs();
    const { failpoints } = this.ports;
    if (outbox.rows.length + outbox.documents.length > 0) {
      failpoints?.hit('before-deliver-rows', this.task);
      await this.#insisting('results', () =>
        this.ports.results.deliver(
          { task: this.task, version },
          { rows: outbox.rows, documents: outbox.documents },
        ),
      );
      failpoints?.hit('after-deliver-rows', this.task);
    }
    if (outbox.messages.length > 0) {
      failpoints?.hit('before-deliver-messages', this.task);
      await Promise.all([...byTarget(outbox.messages).values()].map((messages) => this.#send(messages)));
      failpoints?.hit('after-deliver-messages', this.task);
    }
    const seconds = (this.ports.clock.monotonicMs() - startedMs) / 1_000;
    this.ports.telemetry.record(FACTS.taskDelivered, this.task, seconds);
  }

  /** All messages of one target, in order. What the broker has already, it drops by its number. */
  async #send(messages: readonly OutboxMessage[]): Promise<void> {
    const [first] = messages;
    if (first === undefined) return;
    const noun = first.topic.slice(first.topic.lastIndexOf('.') + 1);
    await this.#insisting(noun, async () => {
      const producer = await this.#producer(first.topic, first.partition);
      await Promise.all(messages.map(({ message }) => producer.send(message)));
    });
  }

  #producer(topic: string, partition: number): Promise<MessageProducer> {
    const target = `${topic}|${partition}`;
    let producer = this.#producers.get(target);
    if (producer === undefined) {
      producer = this.ports.broker.openProducer({ topic, partition, producerName: this.#name });
      this.#producers.set(target, producer);
      producer.catch(() => this.#producers.delete(target));
    }
    return producer;
  }

  async #insisting(target: string, action: () => Promise<unknown>): Promise<void> {
    const onRetry = (error: unknown): void => {
      const code = error instanceof PlatformError ? error.code : 'UNKNOWN';
      this.#waitingFor = `deliver:${target} (${code})`;
    };
    await withBackoff(action, { ...this.ports, signal: this.signal, onRetry });
    this.#waitingFor = undefined;
  }
}

function byTarget(messages: readonly OutboxMessage[]): Map<string, OutboxMessage[]> {
  const targets = new Map<string, OutboxMessage[]>();
  for (const message of messages) {
    const target = `${message.topic}|${message.partition}`;
    const group = targets.get(target);
    if (group === undefined) targets.set(target, [message]);
    else group.push(message);
  }
  return targets;
}
