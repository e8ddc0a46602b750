import {
  ClosedError,
  MessageProducer,
  MessageTooLargeError,
  type OutgoingMessage,
  type SendReceipt,
} from '#libs/messaging';
import { positionOf } from './log-cursor.js';
import type { LogCore } from './log-core.js';
import { nameKey, type LogChange } from './log-database.js';
import { encodeEntry } from './log-entry.js';
import { LogWriteError } from './messaging-embedded.errors.js';
import type { PartitionLog } from './partition-log.js';

export interface EmbeddedProducerOptions {
  readonly core: LogCore;
  readonly log: PartitionLog;
  readonly producerName: string;
  readonly maxMessageBytes: number;
  readonly onClose: () => void;
}

/**
 * Numbers and stores messages.
 *
 * R1. Where one send fails, every send that was called before its caller could know fails too. Else a later
 *     number would be stored before an earlier one, which would then be dropped as a repeat when sent again.
 */
export class EmbeddedProducer extends MessageProducer {
  #storedSequenceId: number;
  /** Includes what waits to be flushed. */
  #stagedSequenceId: number;
  readonly #options: EmbeddedProducerOptions;
  readonly #sequenceKey: [number, string];
  readonly #pending = new Set<Promise<SendReceipt>>();
  /** Raised by every failure; what was called under a former one is refused (R1). */
  #generation = 0;
  #failure: { readonly error: unknown; isFresh: boolean } | undefined;
  #isClosed = false;

  constructor(options: EmbeddedProducerOptions) {
    super();
    this.#options = options;
    this.#sequenceKey = [options.log.number, nameKey(options.producerName)];
    this.#storedSequenceId = options.core.database.sequences.get(this.#sequenceKey) ?? -1;
    this.#stagedSequenceId = this.#storedSequenceId;
  }

  get lastSequenceId(): number {
    return this.#storedSequenceId;
  }

  async send(message: OutgoingMessage): Promise<SendReceipt> {
    const { core, log, producerName, maxMessageBytes } = this.#options;
    if (this.#isClosed) throw new ClosedError(`producer ${producerName} of ${log.topic}`);
    if (message.payload.byteLength > maxMessageBytes) {
      throw new MessageTooLargeError(log.topic, message.payload.byteLength, maxMessageBytes);
    }
    if (this.#failure?.isFresh === true) throw this.#failure.error;
    const publishMs = core.nowMs;
    const value = encodeEntry(message, producerName, publishMs);
    const sent = this.#submit({
      value,
      publishMs,
      sequenceId: message.sequenceId,
      generation: this.#generation,
    });
    this.#pending.add(sent);
    try {
      return await sent;
    } finally {
      this.#pending.delete(sent);
    }
  }

  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    await Promise.allSettled(this.#pending);
    this.#options.onClose();
  }

  #submit(entry: StagedEntry): Promise<SendReceipt> {
    return new Promise((resolve, reject) => {
      let receipt: SendReceipt;
      this.#options.core.submit({
        bytes: entry.value.byteLength,
        stage: (changes) => {
          receipt = this.#stage(entry, changes);
        },
        stored: () => {
          this.#storedSequenceId = Math.max(this.#storedSequenceId, entry.sequenceId ?? -1);
          resolve(receipt);
        },
        failed: (error) => {
          this.#fail(entry, error);
          reject(error);
        },
      });
    });
  }

  #stage({ value, publishMs, sequenceId, generation }: StagedEntry, changes: LogChange[]): SendReceipt {
    if (generation !== this.#generation) throw this.#failure?.error;
    if (sequenceId !== undefined && sequenceId <= this.#stagedSequenceId) return { duplicate: true };
    const { core, log } = this.#options;
    const id = core.append(log, value, publishMs, changes);
    if (sequenceId !== undefined) {
      this.#stagedSequenceId = sequenceId;
      changes.push({ table: 'sequences', key: this.#sequenceKey, value: sequenceId });
    }
    return { duplicate: false, position: positionOf(id) };
  }

  /** Runs before anything else is staged, so that what stands behind in the queue is refused as well (R1). */
  #fail(entry: StagedEntry, error: unknown): void {
    if (error instanceof LogWriteError) this.#stagedSequenceId = this.#storedSequenceId;
    if (entry.generation !== this.#generation) return;
    this.#generation++;
    const failure = { error, isFresh: true };
    this.#failure = failure;
    // By then every caller that waits for a failed send has been told.
    setImmediate(() => {
      failure.isFresh = false;
    });
  }
}

interface StagedEntry {
  readonly value: Buffer;
  readonly publishMs: number;
  readonly sequenceId: number | undefined;
  readonly generation: number;
}
