import {
  comparePositions,
  ConsumerBusyError,
  type Delivery,
  MessageConsumer,
  type Position,
  BEFORE_FIRST,
  type ReceiveOptions,
} from '#libs/messaging';
import type { BrokerSocket } from './broker-socket.js';
import { Ending } from './ending.js';
import { EntryRanges } from './entry-ranges.js';
import { encodeMessageId } from './message-id.js';
import { entriesBehind } from './partition-end.js';
import { type Arrival, PartitionFeed } from './partition-feed.js';
import { PAUSE_BYTES, ReceiveWindow } from './receive-window.js';
import { SocketLink } from './socket-link.js';
import { isPassing, uniqueName, type WebSocketTools } from './websocket-tools.js';

export interface WebSocketConsumerOptions {
  readonly tools: WebSocketTools;
  readonly topic: string;
  readonly partition: number;
  readonly subscription: string;
  /** Up to where the subscription has acknowledged. */
  readonly start: Position;
  readonly onClose: () => void;
}

/** Prefetched by the broker's end of the socket. */
const BROKER_QUEUE_MESSAGES = 200;

/**
 * The exclusive consumer of a partition.
 *
 * K1. The protocol has no cumulative acknowledgement: every entry received up to the position is acknowledged.
 * K2. An acknowledgement may get lost with its connection. Then its message comes again, is acknowledged again, and
 *     is not handed on a second time.
 * K3. What was under way when a seek began never arrives after it: the socket is closed, and another opened.
 */
export class WebSocketConsumer extends MessageConsumer {
  readonly #options: WebSocketConsumerOptions;
  readonly #feed: PartitionFeed;
  readonly #link: SocketLink;
  readonly #ending: Ending;
  readonly #window: ReceiveWindow;
  readonly #unacknowledged = new EntryRanges();
  /** Tells our session from others': the broker shows it. */
  readonly #consumerName: string;
  #acknowledged: Position;
  #hasBegun = false;
  #isPaused = false;

  constructor(options: WebSocketConsumerOptions) {
    super();
    this.#options = options;
    const { tools, topic, partition, subscription, start } = options;
    this.#consumerName = uniqueName();
    this.#window = new ReceiveWindow(tools.clock);
    this.#acknowledged = start;
    this.#feed = new PartitionFeed({ clock: tools.clock, topic, partition, start });
    this.#ending = new Ending(`the consumer ${subscription} of partition ${partition} of ${topic}`, () =>
      this.#close(),
    );
    this.#link = new SocketLink({
      ...tools,
      open: (listener, handshakeMs) =>
        tools.names.claim(this.#place, () => tools.opener.open(this.#target(), listener, handshakeMs)),
      onOpen: () => this.#onOpen(),
      onText: (text) => this.#onText(text),
      onLost: () => undefined,
      onFailed: (error) => this.#ending.fail(error),
      isWorthRetrying: (error) => this.#isWorthRetrying(error),
    });
  }

  /** @throws ConsumerBusyError */
  async open(): Promise<void> {
    await this.#link.start();
  }

  /** Why it gets nothing now; undefined while connected. */
  get problem(): Error | undefined {
    return this.#link.problem;
  }

  async receive(options: ReceiveOptions): Promise<readonly Delivery[]> {
    this.#ending.assertOpen();
    this.#hasBegun = true;
    this.#ask();
    const deliveries = await this.#feed.queue.receive(options);
    this.#ending.assertOpen();
    this.#ask();
    return deliveries;
  }

  async acknowledgeUpTo(position: Position): Promise<void> {
    this.#ending.assertOpen();
    if (comparePositions(position, this.#acknowledged) > 0) this.#acknowledged = position;
    const socket = this.#link.socket;
    // Without a socket they will come again (K2).
    if (socket === undefined) return;
    const entries = this.#unacknowledged.takeUpTo(position);
    // Not answered: what follows on the socket, its end included, is read after them.
    for (const entry of entries) socket.send(JSON.stringify({ messageId: encodeMessageId(entry) }));
  }

  async seekAfter(position: Position): Promise<void> {
    this.#ending.assertOpen();
    if (!this.#hasBegun && comparePositions(position, this.#feed.received) === 0) return;
    try {
      await this.#link.restart(() => this.#reset(position));
    } catch (error) {
      // Where it stands is not known any more.
      this.#ending.fail(error as Error);
      throw error;
    }
  }

  async isCaughtUp(): Promise<boolean> {
    this.#ending.assertOpen();
    // Looked at again: something may come meanwhile that was stored before.
    return this.#feed.hasAllOfEntry && (await this.#storedBehind()) === 0 && this.#feed.hasAllOfEntry;
  }

  async backlogMessages(): Promise<number> {
    this.#ending.assertOpen();
    return (await this.#storedBehind()) + this.#feed.queue.length;
  }

  close(): Promise<void> {
    return this.#ending.close();
  }

  async #close(): Promise<void> {
    this.#feed.queue.close();
    await this.#link.close();
    this.#options.tools.names.release(this.#place);
    this.#options.onClose();
  }

  /** What nobody else may hold. */
  get #place(): string {
    const { topic, partition, subscription } = this.#options;
    return JSON.stringify(['consumer', topic, partition, subscription]);
  }

  #target(): Parameters<WebSocketTools['opener']['open']>[0] {
    const { topic, partition, subscription } = this.#options;
    return {
      role: 'consumer',
      topic,
      partition,
      subscription,
      query: {
        subscriptionType: 'Exclusive',
        consumerName: this.#consumerName,
        pullMode: true,
        receiverQueueSize: BROKER_QUEUE_MESSAGES,
      },
      busy: () => new ConsumerBusyError(topic, partition, subscription),
    };
  }

  #onOpen(): void {
    this.#window.reset();
    this.#isPaused = false;
    this.#ask();
    this.#regulate();
  }

  #onText(text: string): void {
    const arrival = this.#feed.take(text);
    if (arrival === undefined) return;
    this.#window.arrived(text.length);
    this.#note(arrival);
    this.#ask();
    this.#regulate();
  }

  #note({ messageId, parts, position, isRepeat }: Arrival): void {
    const isDone = comparePositions(position, this.#acknowledged) <= 0;
    if (isDone) this.#link.socket?.send(JSON.stringify({ messageId }));
    else if (!isRepeat && parts.batchIndex + 1 >= parts.batchSize)
      this.#unacknowledged.add(parts, Math.max(0, parts.batchIndex));
  }

  /** Nothing is asked for before anybody wants it: a seek right after the start then finds nothing under way. */
  #ask(): void {
    const socket = this.#link.socket;
    if (!this.#hasBegun || socket === undefined) return;
    const permitMessages = this.#window.request(this.#feed.queue.length);
    if (permitMessages > 0) socket.send(JSON.stringify({ type: 'permit', permitMessages }));
    this.#regulate();
  }

  #regulate(): void {
    const socket = this.#link.socket;
    const { bytes } = this.#feed.queue;
    if (socket === undefined) return;
    if (!this.#isPaused && bytes >= PAUSE_BYTES) this.#pause(socket);
    else if (this.#isPaused && bytes < PAUSE_BYTES / 2) this.#resume(socket);
  }

  #pause(socket: BrokerSocket): void {
    this.#isPaused = true;
    socket.pause();
  }

  #resume(socket: BrokerSocket): void {
    this.#isPaused = false;
    socket.resume();
  }

  async #reset(position: Position): Promise<void> {
    const { tools, topic, partition, subscription } = this.#options;
    const [ledgerId, entryId] = position;
    tools.names.release(this.#place);
    // One entry before it: of a batch, the rest comes only with the whole. What is too much is dropped here.
    const entry = ledgerId < 0 ? BEFORE_FIRST : ([ledgerId, Math.max(-1, entryId - 1)] as const);
    await tools.admin.subscriptions.seekAfter(
      { topic, partition, subscription },
      { ledgerId: entry[0], entryId: entry[1] },
    );
    this.#unacknowledged.clear();
    this.#feed.moveTo(position);
  }

  async #storedBehind(): Promise<number> {
    const { tools, topic, partition } = this.#options;
    const stats = await tools.admin.topics.internalStats(topic, partition);
    return entriesBehind(stats, this.#feed.received);
  }

  /** Busy is our own last session, which the broker has not missed yet, or somebody else: then this one is over. */
  async #isWorthRetrying(error: unknown): Promise<boolean> {
    const { tools, topic, partition, subscription } = this.#options;
    if (!(error instanceof ConsumerBusyError)) return isPassing(error);
    try {
      const stats = await tools.admin.topics.stats(topic, partition);
      const consumers = stats.subscriptions[subscription]?.consumers ?? [];
      return consumers.every(({ consumerName }) => consumerName === this.#consumerName);
    } catch (unknown) {
      return isPassing(unknown);
    }
  }
}
