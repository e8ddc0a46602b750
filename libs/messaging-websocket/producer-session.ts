import { type Position, ProducerBusyError } from '#libs/messaging';
import type { BrokerSocket, SocketListener } from './broker-socket.js';
import { ConnectionNumbers } from './connection-numbers.js';
import type { Sending, SendPipeline } from './send-pipeline.js';
import { readSequenceTail } from './sequence-tail.js';
import type { WebSocketTools } from './websocket-tools.js';

export interface SessionOptions {
  readonly tools: WebSocketTools;
  readonly topic: string;
  readonly partition: number;
  readonly producerName: string;
  /** Nothing is stored on other topics: there is no number to find, and no position to give. */
  readonly isPersistent: boolean;
  readonly sendTimeoutMs: number;
  readonly pipeline: Pick<SendPipeline, 'learn' | 'lastSequenceId' | 'next'>;
}

/** A producer's name at the broker: what is stored under it, and connections that go on from there. */
export class ProducerSession {
  readonly #options: SessionOptions;
  readonly #numbers: ConnectionNumbers;
  readonly #over = new AbortController();
  /** What is known to be stored reaches up to here; undefined: nothing is known yet. */
  #knownUpTo: Position | undefined;
  #isUncertain = true;

  constructor(options: SessionOptions) {
    this.#options = options;
    this.#numbers = new ConnectionNumbers(options.tools.clock, options.tools.lead);
  }

  /** The broker has taken a message for one that it has. */
  dropped(): void {
    this.#numbers.dropped();
  }

  /** What is under way may be stored or not. */
  doubt(): void {
    this.#isUncertain = true;
  }

  /** Everything of the name up to here is known. */
  know(position: Position): void {
    this.#knownUpTo = position;
  }

  /** May this message go over the connection that is open; if not, it waits for another. */
  take({ sequenceId }: Sending): boolean {
    return !this.#options.isPersistent || this.#numbers.take(sequenceId);
  }

  /** A connection over which the first message that waits may go. @throws ProducerBusyError */
  async connect(listener: SocketListener, handshakeMs: number | undefined): Promise<BrokerSocket> {
    const { names } = this.#options.tools;
    for (;;) {
      // Only while the name is held nobody else can write: what is read before serves to begin with the right number.
      if (this.#isUncertain) await this.#learn();
      const { next, lastSequenceId } = this.#options.pipeline;
      const base = this.#numbers.begin(next, lastSequenceId);
      const socket = await names.claim(this.#place, () => this.#open(base, listener, handshakeMs));
      if (await this.#isReady(socket)) return socket;
      await this.#leave(socket);
    }
  }

  /** Looks nothing up any more. */
  abandon(): void {
    this.#over.abort();
  }

  /** The connection is closed: another one here may have the name. */
  release(): void {
    this.#options.tools.names.release(this.#place);
  }

  async #isReady(socket: BrokerSocket): Promise<boolean> {
    const { isPersistent, pipeline } = this.#options;
    if (!isPersistent) return true;
    try {
      if (this.#isUncertain) await this.#learn();
    } catch (error) {
      await this.#leave(socket);
      throw error;
    }
    this.#isUncertain = false;
    return !this.#numbers.hasChanged(pipeline.next, pipeline.lastSequenceId);
  }

  #open(base: number, listener: SocketListener, handshakeMs: number | undefined): Promise<BrokerSocket> {
    const { tools, topic, partition, producerName, sendTimeoutMs, isPersistent } = this.#options;
    const query = { producerName, sendTimeoutMillis: sendTimeoutMs };
    const target = {
      role: 'producer',
      topic,
      partition,
      query: isPersistent ? { ...query, initialSequenceId: base } : query,
      busy: () => new ProducerBusyError(topic, partition, producerName),
    } as const;
    return tools.opener.open(target, listener, handshakeMs);
  }

  async #learn(): Promise<void> {
    const { isPersistent, pipeline } = this.#options;
    if (!isPersistent) return;
    const { lastSequenceId, end } = await readSequenceTail({
      ...this.#options,
      after: this.#knownUpTo,
      signal: this.#over.signal,
    });
    pipeline.learn(lastSequenceId);
    this.#knownUpTo = end;
  }

  async #leave(socket: BrokerSocket): Promise<void> {
    await socket.close();
    // Another try finds the name free again.
    this.#options.tools.names.release(this.#place);
  }

  get #place(): string {
    const { topic, partition, producerName } = this.#options;
    return JSON.stringify(['producer', topic, partition, producerName]);
  }
}
