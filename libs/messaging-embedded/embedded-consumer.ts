import {
  type Delivery,
  MessageConsumer,
  MessageReader,
  type Position,
  type ReceiveOptions,
} from '#libs/messaging';
import { entryIdOf, type LogCursor } from './log-cursor.js';
import type { LogCore } from './log-core.js';
import type { PartitionLog } from './partition-log.js';

export class EmbeddedReader extends MessageReader {
  readonly #cursor: LogCursor;
  readonly #onClose: () => void;

  constructor(cursor: LogCursor, onClose: () => void) {
    super();
    this.#cursor = cursor;
    this.#onClose = onClose;
  }

  receive(options: ReceiveOptions): Promise<readonly Delivery[]> {
    return this.#cursor.receive(options);
  }

  async isCaughtUp(): Promise<boolean> {
    this.#cursor.assertOpen();
    return this.#cursor.backlogMessages === 0;
  }

  async close(): Promise<void> {
    this.#cursor.close();
    this.#onClose();
  }
}

export interface EmbeddedConsumerOptions {
  readonly core: LogCore;
  readonly log: PartitionLog;
  readonly subscription: string;
  readonly cursor: LogCursor;
  readonly onClose: () => void;
}

export class EmbeddedConsumer extends MessageConsumer {
  readonly #options: EmbeddedConsumerOptions;
  readonly #pending = new Set<Promise<void>>();
  #isClosed = false;

  constructor(options: EmbeddedConsumerOptions) {
    super();
    this.#options = options;
  }

  receive(options: ReceiveOptions): Promise<readonly Delivery[]> {
    return this.#options.cursor.receive(options);
  }

  async acknowledgeUpTo(position: Position): Promise<void> {
    const { core, log, subscription, cursor } = this.#options;
    cursor.assertOpen();
    const stored = core.acknowledge(log, subscription, entryIdOf(position));
    this.#pending.add(stored);
    try {
      await stored;
    } finally {
      this.#pending.delete(stored);
    }
  }

  async seekAfter(position: Position): Promise<void> {
    this.#options.cursor.seekAfter(entryIdOf(position));
  }

  async isCaughtUp(): Promise<boolean> {
    return (await this.backlogMessages()) === 0;
  }

  async backlogMessages(): Promise<number> {
    this.#options.cursor.assertOpen();
    return this.#options.cursor.backlogMessages;
  }

  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#options.cursor.close();
    // The next consumer starts behind what this one has acknowledged.
    await Promise.allSettled(this.#pending);
    this.#options.onClose();
  }
}
