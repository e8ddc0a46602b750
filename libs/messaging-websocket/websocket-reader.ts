import { type Delivery, MessageReader, type Position, type ReceiveOptions } from '#libs/messaging';
import { Ending } from './ending.js';
import { encodeMessageId } from './message-id.js';
import { entriesBehind } from './partition-end.js';
import { PartitionFeed } from './partition-feed.js';
import { SocketLink } from './socket-link.js';
import type { WebSocketTools } from './websocket-tools.js';

export interface WebSocketReaderOptions {
  readonly tools: WebSocketTools;
  readonly topic: string;
  readonly partition: number;
  /** What stands after it is read. Behind every message: what comes from now on. */
  readonly start: Position;
  readonly onClose: () => void;
}

/** The broker sends so many ahead of what was taken. */
const QUEUE_MESSAGES = 64;

/** Reads one partition, takes nothing away; goes on after the last message when the connection breaks. */
export class WebSocketReader extends MessageReader {
  readonly #options: WebSocketReaderOptions;
  readonly #feed: PartitionFeed;
  readonly #link: SocketLink;
  readonly #ending: Ending;
  /** Ids of the messages in the queue: the broker sends another for each that it gets back. */
  readonly #untaken: string[] = [];

  constructor(options: WebSocketReaderOptions) {
    super();
    this.#options = options;
    const { tools, topic, partition, start } = options;
    this.#feed = new PartitionFeed({ clock: tools.clock, topic, partition, start });
    this.#ending = new Ending(`the reader of partition ${partition} of ${topic}`, () => this.#close());
    this.#link = new SocketLink({
      ...tools,
      open: (listener, handshakeMs) =>
        tools.opener.open({ role: 'reader', topic, partition, query: this.#query() }, listener, handshakeMs),
      onOpen: () => undefined,
      onText: (text) => this.#onText(text),
      // What waits came through the last connection: the next one wants nothing back for it.
      onLost: () => void (this.#untaken.length = 0),
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
    const deliveries = await this.#feed.queue.receive(options);
    this.#ending.assertOpen();
    this.#giveBack();
    return deliveries;
  }

  async isCaughtUp(): Promise<boolean> {
    this.#ending.assertOpen();
    if (!this.#feed.hasAllOfEntry) return false;
    const { tools, topic, partition } = this.#options;
    const stats = await tools.admin.topics.internalStats(topic, partition);
    // Something may have come meanwhile that was stored before.
    return this.#feed.hasAllOfEntry && entriesBehind(stats, this.#feed.received) === 0;
  }

  close(): Promise<void> {
    return this.#ending.close();
  }

  async #close(): Promise<void> {
    this.#feed.queue.close();
    await this.#link.close();
    this.#options.onClose();
  }

  /** From the entry that the last message stands in: the rest of a batch comes only with the whole. */
  #query(): Record<string, string | number> {
    const [ledgerId, entryId] = this.#feed.received;
    const isBeforeFirst = ledgerId < 0;
    const messageId = isBeforeFirst ? 'earliest' : encodeMessageId({ ledgerId, entryId: entryId - 1 });
    return { messageId, receiverQueueSize: QUEUE_MESSAGES };
  }

  #onText(text: string): void {
    const arrival = this.#feed.take(text);
    if (arrival === undefined) return;
    if (arrival.isRepeat) this.#link.socket?.send(JSON.stringify({ messageId: arrival.messageId }));
    else this.#untaken.push(arrival.messageId);
  }

  #giveBack(): void {
    const taken = this.#untaken.splice(0, this.#untaken.length - this.#feed.queue.length);
    for (const messageId of taken) this.#link.socket?.send(JSON.stringify({ messageId }));
  }
}
