import { type Delivery, MessageReader, type ReceiveOptions } from '#libs/messaging';
import { FACTS } from '#libs/observability';
import { DeliveryQueue } from './delivery-queue.js';
import { Ending } from './ending.js';
import { SocketLink } from './socket-link.js';
import type { WebSocketTools } from './websocket-tools.js';
import { decodeDelivery, type WireMessage } from './wire-message.js';

export interface LiveReaderOptions {
  readonly tools: WebSocketTools;
  readonly topic: string;
  readonly partition: number;
  readonly onClose: () => void;
}

/** What waits for a slow reader; beyond this the oldest go. */
const MAX_QUEUED_MESSAGES = 1_000;
const MAX_QUEUED_BYTES = 16 * 1024 * 1024;

/** Reads a topic that is not persistent: what is published while it is connected, as far as it keeps up. */
export class LiveReader extends MessageReader {
  readonly #options: LiveReaderOptions;
  readonly #queue: DeliveryQueue;
  readonly #link: SocketLink;
  readonly #ending: Ending;
  #received = 0;

  constructor(options: LiveReaderOptions) {
    super();
    this.#options = options;
    const { tools, topic, partition } = options;
    const query = { messageId: 'latest', receiverQueueSize: MAX_QUEUED_MESSAGES };
    this.#queue = new DeliveryQueue(tools.clock);
    this.#ending = new Ending(`the reader of ${topic}`, () => this.#close());
    this.#link = new SocketLink({
      ...tools,
      open: (listener, handshakeMs) =>
        tools.opener.open({ role: 'reader', topic, partition, query }, listener, handshakeMs),
      onOpen: () => undefined,
      onText: (text) => this.#onText(text),
      onLost: () => undefined,
      onFailed: (error) => this.#ending.fail(error),
    });
  }

  async open(): Promise<void> {
    await this.#link.start();
  }

  /** Why it gets nothing now; undefined while connected. */
  get problem(): Error | undefined {
    return this.#link.problem;
  }

  async receive(options: ReceiveOptions): Promise<readonly Delivery[]> {
    this.#ending.assertOpen();
    const deliveries = await this.#queue.receive(options);
    this.#ending.assertOpen();
    return deliveries;
  }

  async isCaughtUp(): Promise<boolean> {
    this.#ending.assertOpen();
    return this.#queue.length === 0;
  }

  close(): Promise<void> {
    return this.#ending.close();
  }

  async #close(): Promise<void> {
    this.#queue.close();
    await this.#link.close();
    this.#options.onClose();
  }

  /** The broker drops what is not given back: a reader that is slow here must not lose more than it has to. */
  #onText(text: string): void {
    const wire = JSON.parse(text) as WireMessage;
    if (typeof wire.messageId !== 'string') return;
    this.#link.socket?.send(JSON.stringify({ messageId: wire.messageId }));
    const { tools, topic, partition } = this.#options;
    // All of them have the same message id.
    this.#queue.push(decodeDelivery(wire, { topic, partition, position: [0, this.#received++, 0, 0] }));
    while (this.#queue.length > MAX_QUEUED_MESSAGES || this.#queue.bytes > MAX_QUEUED_BYTES) {
      this.#queue.drop();
      tools.telemetry.record(FACTS.liveMessagesDropped, { topic });
    }
  }
}
