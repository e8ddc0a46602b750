import type { MessageProducer, Position } from '#libs/messaging';
import { FACTS } from '#libs/observability';
import { type CommitVersion, type DeliveryFence, type Lease, type TaskId, taskName } from '#libs/storage';
import { untilClosed, withBackoff } from './backoff.js';
import { asError, codeOfFailure, LeaseLostError } from './functions.errors.js';
import type { Outbox, OutboxMessage } from './outbox.js';
import { isPublic, lastNumberInTail } from './public-tail.js';
import type { Runtime, RuntimePorts } from './runtime-ports.js';

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
  #target = 'results';
  readonly #producers = new Map<string, Promise<MessageProducer>>();
  /** The last number that the log had of us when the producer was opened, by target; a producer comes back by itself. */
  readonly #foundNumbers = new Map<string, number>();
  readonly #name: string;
  /** What fails for one target ends the tries for the others: they would go on behind the end of the run. */
  readonly #failed = new AbortController();
  readonly #signal: AbortSignal;
  readonly #places: Map<string, Position>;
  /** Where the last message of the outbox at hand stands, by target. */
  readonly #newPlaces = new Map<string, Position>();

  /** @param delivered what is known to be delivered; `places` moves on together with {@link deliveredCommitSeq} */
  constructor(
    private readonly lease: Lease,
    private readonly runtime: Runtime,
    signal: AbortSignal,
    delivered: { readonly commitSeq: number; readonly places: Map<string, Position> },
  ) {
    this.deliveredCommitSeq = delivered.commitSeq;
    this.#places = delivered.places;
    this.#name = taskName(lease.task);
    this.#signal = AbortSignal.any([signal, this.#failed.signal]);
  }

  get #task(): TaskId {
    return this.lease.task;
  }

  get #ports(): RuntimePorts {
    return this.runtime.ports;
  }

  /** How many outboxes wait. */
  get pending(): number {
    return this.#pending;
  }

  /** What the delivery under way writes to, e.g. `deliver:results`. */
  get delivering(): string {
    return `deliver:${this.#target}`;
  }

  /** What a failing delivery is stuck on, e.g. `deliver:results`. */
  get waitingFor(): string | undefined {
    return this.#waitingFor;
  }

  /** Queues an outbox; they are delivered in the order of the calls. */
  enqueue(version: CommitVersion, outbox: Outbox, afterDelivery: readonly (() => void)[]): void {
    this.#enqueue({ task: this.#task, version }, outbox, { isAgain: false, afterDelivery });
  }

  /**
   * Queues an outbox that a former run may have delivered in part.
   *
   * @param newestCommitSeq the newest commit of the former run: it may have delivered up to that one
   */
  enqueueAgain(version: CommitVersion, outbox: Outbox, newestCommitSeq: number): void {
    const fence = { task: this.#task, version, newestCommitSeq };
    this.#enqueue(fence, outbox, { isAgain: true, afterDelivery: [] });
  }

  /** Resolves when fewer than `limit` outboxes wait. @throws what delivery failed with */
  async waitBelow(limit: number): Promise<void> {
    while (this.#pending >= limit && this.#failure === undefined && !this.#signal.aborted) await this.#tail;
    if (this.#failure !== undefined) throw this.#failure;
  }

  /** @throws what delivery failed with, if it did */
  check(): void {
    if (this.#failure !== undefined) throw this.#failure;
  }

  async close(): Promise<void> {
    await this.#tail;
    const closing = [...this.#producers.values()].map((producer) =>
      producer.then((opened) => opened.close()),
    );
    await untilClosed(Promise.allSettled(closing), this.#ports.clock);
  }

  #enqueue(fence: DeliveryFence, outbox: Outbox, { isAgain, afterDelivery }: Manner): void {
    this.#pending++;
    this.#tail = this.#tail.then(async () => {
      // An owner that was told to stop leaves the rest to the next one: it finds it in the store.
      if (this.#failure !== undefined || this.#signal.aborted) return;
      try {
        this.#newPlaces.clear();
        await this.#deliver(fence, outbox, isAgain);
        this.deliveredCommitSeq = fence.version.commitSeq;
        for (const [target, place] of this.#newPlaces) this.#places.set(target, place);
        this.#pending--;
        for (const action of afterDelivery) action();
      } catch (error) {
        this.#failure = asError(error);
      }
    });
  }

  async #deliver(fence: DeliveryFence, outbox: Outbox, isAgain: boolean): Promise<void> {
    const startedMs = this.#ports.clock.monotonicMs();
    const { failpoints } = this.#ports;
    if (outbox.rows.length + outbox.documents.length > 0) {
      failpoints?.hit('before-deliver-rows', this.#task);
      await this.#insisting('results', () =>
        this.#ports.results.deliver(fence, { rows: outbox.rows, documents: outbox.documents }),
      );
      failpoints?.hit('after-deliver-rows', this.#task);
    }
    if (outbox.messages.length > 0) {
      failpoints?.hit('before-deliver-messages', this.#task);
      const targets = [...byTarget(outbox.messages)];
      await this.#settleAll(targets.map(([target, messages]) => this.#send(target, messages, isAgain)));
      failpoints?.hit('after-deliver-messages', this.#task);
    }
    const seconds = (this.#ports.clock.monotonicMs() - startedMs) / 1_000;
    this.#ports.telemetry.record(FACTS.taskDelivered, this.#task, seconds);
  }

  /** Waits for all of them. @throws what the first one failed with */
  async #settleAll(sent: readonly Promise<void>[]): Promise<void> {
    let failure: unknown;
    const giveUp = (error: unknown): void => {
      failure ??= error;
      this.#failed.abort();
    };
    await Promise.all(sent.map((one) => one.catch(giveUp)));
    if (failure !== undefined) throw asError(failure);
  }

  /** All messages of one target, in order. What the broker has already, it drops by its number. */
  async #send(target: string, messages: readonly OutboxMessage[], isAgain: boolean): Promise<void> {
    const [first] = messages;
    if (first === undefined) return;
    const noun = first.topic.slice(first.topic.lastIndexOf('.') + 1);
    let isLookedAt = isAgain;
    await this.#insisting(noun, async () => {
      const producer = await this.#producer(first.topic, first.partition);
      if (!isLookedAt) this.#tellLost(target, messages);
      isLookedAt = true;
      const known = await this.#lastStored(target, first, { producer, isAgain });
      const missing = messages.filter(({ message }) => message.sequenceId > known);
      const receipts = await Promise.all(missing.map(({ message }) => producer.send(message)));
      const place = receipts.findLast(({ position }) => position !== undefined)?.position;
      if (place !== undefined) this.#newPlaces.set(target, place);
    });
  }

  /**
   * The last number that is stored of this producer, where nobody but us would drop a repeat; -1 where the broker
   * knows it. A broker forgets its producers; what they have written stays. No former owner writes any more: the
   * producer is ours.
   *
   * @throws LeaseLostError if a later owner may have delivered this outbox, and the broker have forgotten it
   */
  async #lastStored(
    target: string,
    { topic, partition, message }: OutboxMessage,
    { producer, isAgain }: { producer: MessageProducer; isAgain: boolean },
  ): Promise<number> {
    const { lastSequenceId } = producer;
    const isRemembered = lastSequenceId >= 0 && lastSequenceId >= message.sequenceId - 1;
    if (isRemembered || !isPublic(message) || this.runtime.settings.withoutFences.has('public-tail'))
      return -1;
    const where = { topic, partition, producerName: this.#name };
    if (isAgain)
      return await lastNumberInTail(this.#ports.broker, where, this.#places.get(target), this.#signal);
    // Whoever owns the task while the producer is open is the only one who can have delivered anything.
    if (!(await this.#ports.leases.renew(this.lease, this.runtime.settings.leaseTtlMs)))
      throw new LeaseLostError(this.#name);
    return -1;
  }

  /**
   * Counts what the log will drop. Nothing is sent that is not committed, so that whatever we have sent has its number in a commit:
   * where the log has a number that is new to us, the store is not the one that it was written with.
   */
  #tellLost(target: string, messages: readonly OutboxMessage[]): void {
    const found = this.#foundNumbers.get(target) ?? -1;
    const first = messages[0]?.message.sequenceId ?? Infinity;
    if (first > found) return;
    const lost = messages.filter(({ message }) => message.sequenceId <= found).length;
    const fields = { ...this.#task, target, found, first };
    this.#ports.telemetry.record(FACTS.messagesLost, fields, lost);
  }

  #producer(topic: string, partition: number): Promise<MessageProducer> {
    const target = `${topic}|${partition}`;
    let producer = this.#producers.get(target);
    if (producer === undefined) {
      const opening = this.#ports.broker.openProducer({ topic, partition, producerName: this.#name });
      producer = opening.then((opened) => {
        this.#foundNumbers.set(target, opened.lastSequenceId);
        return opened;
      });
      this.#producers.set(target, producer);
      producer.catch(() => this.#producers.delete(target));
    }
    return producer;
  }

  async #insisting(target: string, action: () => Promise<unknown>): Promise<void> {
    const onRetry = (error: unknown): void => {
      this.#waitingFor = `deliver:${target} (${codeOfFailure(error)})`;
    };
    this.#target = target;
    await withBackoff(action, { ...this.#ports, signal: this.#signal, onRetry });
    this.#waitingFor = undefined;
  }
}

interface Manner {
  readonly isAgain: boolean;
  readonly afterDelivery: readonly (() => void)[];
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
