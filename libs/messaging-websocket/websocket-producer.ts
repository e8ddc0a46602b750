import type { Cancel } from '#libs/kernel';
import {
  MAX_MESSAGE_BYTES,
  MessageProducer,
  MessageTooLargeError,
  type OutgoingMessage,
  ProducerBusyError,
  type SendReceipt,
} from '#libs/messaging';
import { BrokerUnavailableError } from '#libs/pulsar-admin';
import type { BrokerSocket } from './broker-socket.js';
import { decodeMessageId, positionOf } from './message-id.js';
import { SendQueueFullError, SendRefusedError } from './messaging-websocket.errors.js';
import { Ending } from './ending.js';
import { ProducerSession } from './producer-session.js';
import { type Sending, SendPipeline } from './send-pipeline.js';
import { SocketLink } from './socket-link.js';
import { isPassing, type WebSocketTools } from './websocket-tools.js';
import { encodeSend } from './wire-message.js';

export interface WebSocketProducerOptions {
  readonly tools: WebSocketTools;
  readonly topic: string;
  readonly partition: number;
  readonly producerName: string;
  /** Nothing is stored on other topics: there is no number to find, and no position to give. */
  readonly isPersistent: boolean;
  readonly onClose: () => void;
}

/** The broker's end closes a socket that sends a larger frame. */
const MAX_FRAME_BYTES = 1024 * 1024;
/** Callers that do not wait for their sends find out here. */
const MAX_WAITING_BYTES = 64 * 1024 * 1024;
/** A send ends after this, whatever happens. */
const SEND_TIMEOUT_MS = 30_000;
const DROPPED = 'it takes its number for one that it has';
/** The broker may hold a former session of ours for a while; who is there longer is somebody else. */
const OWN_SESSION_MS = 20_000;

interface Answer {
  readonly result: string;
  readonly messageId?: string;
  readonly context?: string;
  readonly errorMsg?: string;
}

/**
 * Sends to one partition under a name.
 *
 * S1. Per-message numbers are ignored by the protocol. What is stored under this name tells the last number when the
 *     producer opens, and after a connection broke with messages under way; from then on the numbers are judged here.
 * S2. A connection that breaks fails what was under way: it may be stored or not, and who sends it again learns which.
 * S3. Nothing is sent through a new connection before S1 is done.
 * S4. The broker numbers the messages of a connection itself, from where it is told to ({@link ConnectionNumbers}). What it
 *     drops as a repeat it calls stored, at no place: whether it is, S1 tells.
 */
export class WebSocketProducer extends MessageProducer {
  readonly #options: WebSocketProducerOptions;
  readonly #link: SocketLink;
  readonly #ending: Ending;
  readonly #pipeline = new SendPipeline();
  readonly #pending = new Set<Promise<SendReceipt>>();
  readonly #session: ProducerSession;
  #nextContext = 0;
  /** What sends fail with that are called before anybody could know of a failure. */
  #freshFailure: Error | undefined;
  #cancelTimer: Cancel | undefined;
  /** Since when the broker says that the name is taken. */
  #busySinceMs: number | undefined;

  constructor(options: WebSocketProducerOptions) {
    super();
    this.#options = options;
    const { tools, topic, partition, producerName } = options;
    this.#session = new ProducerSession({
      ...options,
      pipeline: this.#pipeline,
      sendTimeoutMs: SEND_TIMEOUT_MS,
    });
    const what = `producer ${producerName} of partition ${partition} of ${topic}`;
    this.#ending = new Ending(what, () => this.#close());
    this.#link = new SocketLink({
      ...tools,
      open: (listener, handshakeMs) => this.#session.connect(listener, handshakeMs),
      onOpen: () => {
        this.#busySinceMs = undefined;
        this.#pump();
      },
      onText: (text) => this.#onAnswer(JSON.parse(text) as Answer),
      onLost: (error) => this.#onLost(error),
      onFailed: (error) => this.#fail(error),
      isWorthRetrying: async (error) => this.#isWorthRetrying(error),
    });
  }

  get lastSequenceId(): number {
    return this.#pipeline.lastSequenceId;
  }

  /** Why it stores nothing now; undefined while connected. */
  get problem(): Error | undefined {
    return this.#link.problem;
  }

  /** @throws ProducerBusyError */
  async open(): Promise<void> {
    await this.#link.start();
  }

  async send(message: OutgoingMessage): Promise<SendReceipt> {
    this.#ending.assertOpen();
    const { topic, producerName } = this.#options;
    const payloadBytes = message.payload.byteLength;
    if (payloadBytes > MAX_MESSAGE_BYTES)
      throw new MessageTooLargeError(topic, payloadBytes, MAX_MESSAGE_BYTES);
    if (this.#freshFailure !== undefined) return await this.#refuse(this.#freshFailure);
    const context = String(this.#nextContext++);
    const text = encodeSend(message, producerName, context);
    this.#checkRoom(text);
    const sent = this.#submit(text, context, message.sequenceId);
    this.#pending.add(sent);
    try {
      return await sent;
    } finally {
      this.#pending.delete(sent);
    }
  }

  close(): Promise<void> {
    return this.#ending.close();
  }

  async #close(): Promise<void> {
    // Nobody knows when the broker is back: whoever ends does not wait for that.
    if (this.problem !== undefined) this.#failSends(this.problem);
    await Promise.allSettled(this.#pending);
    this.#session.abandon();
    this.#cancelTimer?.();
    await this.#link.close();
    this.#session.release();
    this.#options.onClose();
  }

  /** Ends only when that time is over: who calls again at once must not keep it from ending. */
  async #refuse(failure: Error): Promise<never> {
    await new Promise((over) => setImmediate(over));
    throw failure;
  }

  /** The frame holds key and properties too. */
  #checkRoom(text: string): void {
    const { topic } = this.#options;
    const frameBytes = Buffer.byteLength(text);
    if (frameBytes > MAX_FRAME_BYTES) throw new MessageTooLargeError(topic, frameBytes, MAX_FRAME_BYTES);
    const waitingBytes = this.#pipeline.waitingBytes + frameBytes;
    if (waitingBytes <= MAX_WAITING_BYTES) return;
    const full = new SendQueueFullError(topic, waitingBytes, MAX_WAITING_BYTES);
    this.#refuseForNow(full);
    throw full;
  }

  #submit(text: string, context: string, sequenceId: number | undefined): Promise<SendReceipt> {
    const deadlineMs = this.#options.tools.clock.monotonicMs() + SEND_TIMEOUT_MS;
    return new Promise((resolve, reject) => {
      this.#pipeline.add({ text, context, sequenceId, deadlineMs, resolve, reject });
      this.#pump();
      this.#watch();
    });
  }

  /** Counted from the first such answer: how long the broker was away before says nothing of who has the name. */
  #isWorthRetrying(error: unknown): boolean {
    if (!(error instanceof ProducerBusyError)) return isPassing(error);
    const nowMs = this.#options.tools.clock.monotonicMs();
    this.#busySinceMs ??= nowMs;
    return nowMs - this.#busySinceMs < OWN_SESSION_MS;
  }

  #pump(): void {
    const { socket } = this.#link;
    if (socket === undefined) return;
    this.#pipeline.pump((sending) => this.#sendOver(socket, sending));
    // S4: the next one needs a connection with other numbers.
    if (!this.#pipeline.isUnderWay && this.#pipeline.next !== undefined) this.#link.renew();
  }

  #sendOver(socket: BrokerSocket, sending: Sending): boolean {
    if (!this.#session.take(sending)) return false;
    socket.send(sending.text);
    return true;
  }

  #onAnswer({ result, messageId, context = '', errorMsg }: Answer): void {
    const { topic, partition } = this.#options;
    if (result !== 'ok' || messageId === undefined) {
      // Whether those behind it were stored is not known: as after a loss.
      this.#loseWith(new SendRefusedError(topic, partition, errorMsg ?? result));
      return;
    }
    const receipt = this.#receipt(messageId);
    if (receipt === undefined) {
      this.#session.dropped();
      return this.#loseWith(new SendRefusedError(topic, partition, DROPPED));
    }
    this.#pipeline.stored(context, receipt);
    this.#pump();
    this.#watch();
  }

  /** S4. Undefined: it is stored nowhere. */
  #receipt(messageId: string): SendReceipt | undefined {
    if (!this.#options.isPersistent) return { duplicate: false };
    const position = positionOf(decodeMessageId(messageId));
    if (position[0] < 0) return undefined;
    this.#session.know(position);
    return { duplicate: false, position };
  }

  #onLost(error: Error): void {
    // What has not been sent yet waits for the next connection, unless something before it fails.
    if (this.#pipeline.isUnderWay) this.#failSends(error);
  }

  #loseWith(error: Error): void {
    this.#failSends(error);
    this.#link.socket?.giveUp(error.message);
  }

  #failSends(error: Error): void {
    this.#session.doubt();
    this.#refuseForNow(error);
    this.#pipeline.failAll(error);
    this.#watch();
  }

  /** What is sent in the same breath is behind what has failed, and must not be stored before it. */
  #refuseForNow(error: Error): void {
    this.#freshFailure = error;
    // By then every caller that waits for a failed send has been told.
    setImmediate(() => {
      if (this.#freshFailure === error) this.#freshFailure = undefined;
    });
  }

  /** One timer, for the oldest message. */
  #watch(): void {
    const { deadlineMs } = this.#pipeline;
    if (deadlineMs === undefined || this.#cancelTimer !== undefined) return;
    const { clock, opener } = this.#options.tools;
    this.#cancelTimer = clock.after(Math.max(0, deadlineMs - clock.monotonicMs()), () => {
      this.#cancelTimer = undefined;
      const oldestMs = this.#pipeline.deadlineMs;
      if (oldestMs !== undefined && oldestMs <= clock.monotonicMs()) {
        const { address } = opener.options;
        const reason = this.problem?.message ?? `no answer within ${SEND_TIMEOUT_MS} ms`;
        this.#loseWith(new BrokerUnavailableError(address, reason, this.problem));
      }
      this.#watch();
    });
  }

  #fail(error: Error): void {
    this.#pipeline.failAll(error);
    this.#ending.fail(error);
  }
}
