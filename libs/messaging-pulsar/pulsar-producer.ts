import {
  ClosedError,
  MAX_MESSAGE_BYTES,
  MessageProducer,
  MessageTooLargeError,
  type OutgoingMessage,
  ProducerBusyError,
  type ProducerOptions,
  type SendReceipt,
} from '#libs/messaging';
import { parseTopic, partitionTopic } from '#libs/pulsar-admin';
import { placeOf } from './message-id.js';
import { namedError, resultOf } from './native-errors.js';
import type { NativeProducer } from './native-client.js';
import { PulsarDroppedError } from './messaging-pulsar.errors.js';
import type { PulsarSession } from './pulsar-session.js';
import { nativeMessage } from './wire-properties.js';

/** When a message that is not stored fails, and all behind it. */
const SEND_TIMEOUT_MS = 30_000;
/** So many are on their way at once; calls beyond wait here. The client fails those on their way all together. */
const MAX_PENDING_MESSAGES = 500;

/** More than any producer sends in a millisecond. */
const NUMBERS_PER_MS = 1_000;

interface WaitingSend {
  readonly message: OutgoingMessage;
  readonly resolve: (receipt: SendReceipt) => void;
  readonly reject: (error: unknown) => void;
}

/**
 * A producer with a name, for one partition. Unbatched: the broker compares the numbers of batches wrongly. Messages without
 * a number are numbered by the wall clock, above whatever was stored under the name before: the broker's own knowledge may be
 * too old while it loads a topic, and it would drop them as repeats later (apache/pulsar#25954).
 */
export class PulsarProducer extends MessageProducer {
  readonly #what: string;
  readonly #isPersistent: boolean;
  readonly #waiting: WaitingSend[] = [];
  readonly #pending = new Set<Promise<void>>();
  #lastSequenceId: number;
  #isClosed = false;

  private constructor(
    private readonly session: PulsarSession,
    private readonly native: NativeProducer,
    private readonly options: ProducerOptions & { readonly lastSequenceId: number },
  ) {
    super();
    const { topic, partition, producerName, lastSequenceId } = options;
    this.#what = `producer ${producerName} of partition ${partition} of ${topic}`;
    this.#isPersistent = parseTopic(topic).domain === 'persistent';
    this.#lastSequenceId = lastSequenceId;
  }

  /** @throws ProducerBusyError while another has the name */
  static async open(
    session: PulsarSession,
    options: ProducerOptions & { readonly lastSequenceId: number },
  ): Promise<PulsarProducer> {
    const { topic, partition, producerName } = options;
    const native = await session.client
      .createProducer({
        topic: partitionTopic(topic, partition),
        producerName,
        initialSequenceId: session.clock.nowMs() * NUMBERS_PER_MS,
        batchingEnabled: false,
        sendTimeoutMs: SEND_TIMEOUT_MS,
        // Twice: the client frees a place only after it has said that a message is stored.
        maxPendingMessages: 2 * MAX_PENDING_MESSAGES,
        blockIfQueueFull: false,
      })
      .catch((error: unknown) => {
        if (resultOf(error) === 'ProducerBusy') throw new ProducerBusyError(topic, partition, producerName);
        throw namedError(error, `producer ${producerName} of ${topic}`, session.serviceUrl);
      });
    return new PulsarProducer(session, native, options);
  }

  get lastSequenceId(): number {
    return this.#lastSequenceId;
  }

  async send(message: OutgoingMessage): Promise<SendReceipt> {
    if (this.#isClosed) throw new ClosedError(this.#what);
    const { byteLength } = message.payload;
    if (byteLength > MAX_MESSAGE_BYTES) {
      throw new MessageTooLargeError(this.options.topic, byteLength, MAX_MESSAGE_BYTES);
    }
    return await new Promise((resolve, reject) => {
      this.#waiting.push({ message, resolve, reject });
      this.#pump();
    });
  }

  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    while (this.#pending.size > 0 || this.#waiting.length > 0) await Promise.allSettled(this.#pending);
    await this.native.close().catch(() => undefined);
    this.session.forget(this);
  }

  #pump(): void {
    while (this.#pending.size < MAX_PENDING_MESSAGES) {
      const next = this.#waiting[0];
      if (next === undefined || this.#repeatsPending(next.message)) return;
      this.#waiting.shift();
      const sending = this.#deliver(next).finally(() => {
        this.#pending.delete(sending);
        this.#pump();
      });
      this.#pending.add(sending);
    }
  }

  // The broker can't say yet whether a number is a repeat while the first is not stored. Both would fail.
  #repeatsPending({ sequenceId }: OutgoingMessage): boolean {
    if (this.#pending.size === 0 || sequenceId === undefined) return false;
    return sequenceId <= this.#highestSent;
  }

  #highestSent = -1;

  async #deliver({ message, resolve, reject }: WaitingSend): Promise<void> {
    const { sequenceId } = message;
    if (sequenceId !== undefined) this.#highestSent = Math.max(this.#highestSent, sequenceId);
    try {
      const id = await this.native.send(nativeMessage(message, this.options.producerName));
      if (sequenceId !== undefined) this.#lastSequenceId = Math.max(this.#lastSequenceId, sequenceId);
      const position = placeOf(id)?.position;
      // Without a place: dropped as a repeat, or not stored by any broker.
      if (!this.#isPersistent) resolve({ duplicate: false });
      else if (position !== undefined) resolve({ duplicate: false, position });
      else if (sequenceId !== undefined) resolve({ duplicate: true });
      else throw new PulsarDroppedError(this.#what);
    } catch (error) {
      const named = namedError(error, this.#what, this.session.serviceUrl);
      reject(named);
      // Those behind it must not be stored before it is: whoever sends sends all of them again.
      for (const waiting of this.#waiting.splice(0)) waiting.reject(named);
    }
  }
}
