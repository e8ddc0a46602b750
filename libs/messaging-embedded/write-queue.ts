import { ClosedError } from '#libs/messaging';
import type { LogChange } from './log-database.js';

/** One change of the log that waits for the disk. */
export interface LogWrite {
  readonly bytes: number;
  /** Adds what is to be stored. Called once, in the order of submission. Throws to refuse: nothing is stored. */
  stage(changes: LogChange[]): void;
  /** It is on disk. */
  stored(): void;
  /** It was refused, or the disk did not take it. */
  failed(error: unknown): void;
}

export interface WriteQueueOptions {
  /** Stores all changes or none, flushed. */
  readonly apply: (changes: readonly LogChange[]) => Promise<void>;
  /** Adds what every batch ends with. */
  readonly finish: (changes: LogChange[]) => void;
  /** The batch is on disk; called before the writes of it hear of it. */
  readonly afterStored: () => void;
  /** The batch is not on disk: forget what was staged. Gives the error that its writes get. */
  readonly afterFailed: (cause: unknown) => Error;
}

/** A transaction is held to this size, so that its dirty pages do not fill the memory. */
const MAX_BATCH_BYTES = 16 * 1024 * 1024;
const MAX_BATCH_WRITES = 8192;

/**
 * Group commit: everything that comes while one transaction is being flushed goes into the next one. So the cost
 * of a flush is shared by all who wait, and nobody waits for a timer.
 */
export class WriteQueue {
  readonly #options: WriteQueueOptions;
  #waiting: LogWrite[] = [];
  #running: Promise<void> | undefined;
  #isClosed = false;

  constructor(options: WriteQueueOptions) {
    this.#options = options;
  }

  submit(write: LogWrite): void {
    if (this.#isClosed) {
      write.failed(new ClosedError('the log'));
      return;
    }
    this.#waiting.push(write);
    this.#running ??= this.#run();
  }

  /** Stores what is waiting, then refuses everything. */
  async close(): Promise<void> {
    this.#isClosed = true;
    await this.#running;
  }

  async #run(): Promise<void> {
    // The writes of one turn of the event loop go together.
    await Promise.resolve();
    while (this.#waiting.length > 0) await this.#storeBatch(this.#nextBatch());
    this.#running = undefined;
  }

  #nextBatch(): LogWrite[] {
    let bytes = 0;
    let count = 0;
    while (count < this.#waiting.length && count < MAX_BATCH_WRITES && bytes < MAX_BATCH_BYTES) {
      bytes += this.#waiting[count++]!.bytes;
    }
    if (count < this.#waiting.length) return this.#waiting.splice(0, count);
    const batch = this.#waiting;
    this.#waiting = [];
    return batch;
  }

  async #storeBatch(batch: readonly LogWrite[]): Promise<void> {
    const changes: LogChange[] = [];
    const staged = batch.filter((write) => isStaged(write, changes));
    try {
      this.#options.finish(changes);
      await this.#options.apply(changes);
    } catch (cause) {
      const error = this.#options.afterFailed(cause);
      for (const write of staged) write.failed(error);
      return;
    }
    this.#options.afterStored();
    for (const write of staged) write.stored();
  }
}

function isStaged(write: LogWrite, changes: LogChange[]): boolean {
  try {
    write.stage(changes);
    return true;
  } catch (error) {
    write.failed(error);
    return false;
  }
}
