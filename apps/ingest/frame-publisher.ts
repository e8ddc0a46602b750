import { type Cancel, type Clock, PlatformError } from '#libs/kernel';
import {
  type EncodedFrame,
  LogFullError,
  type Marker,
  type MessageBroker,
  type MessageProducer,
  PRODUCER_PROPERTY,
  SEQUENCE_PROPERTY,
} from '#libs/messaging';
import type { InFlightBytes } from './in-flight-bytes.js';
import { ProducerNameSharedError } from './ingest.errors.js';
import { RawFrame, type RawItem } from './raw-frame.js';

export interface FramePublisherOptions {
  readonly broker: MessageBroker;
  readonly clock: Clock;
  readonly topic: string;
  readonly partition: number;
  /** Unique for this run of this process. */
  readonly processId: string;
  /** What ids that are made here begin with. */
  readonly generatedIds: string;
  readonly inFlight: InFlightBytes;
  /** Called whenever the log has stored a frame. */
  readonly onStored: () => void;
}

/** How long an item waits for others to share its frame. */
const LINGER_MS = 5;
const FIRST_BACKOFF_MS = 50;
const LONGEST_BACKOFF_MS = 5_000;

/**
 * Writes one partition of `raw`.
 *
 * P1. Frames of a producer name are numbered from 0 without a gap, and a number always means the same bytes: a
 *     number that may have been stored is sent again until it is known to be.
 * P2. One frame is under way at a time. Else a frame that is refused for lack of room could be followed by one that
 *     is stored, and its number could never be used again.
 * P3. Where it stays unknown whether a frame was stored and sending again is no use, its requests fail, and
 *     numbering begins anew under another producer name.
 */
export class FramePublisher {
  #filling: RawFrame | undefined;
  #isFillingDue = false;
  #cancelLinger: Cancel = () => undefined;
  readonly #sealed: RawFrame[] = [];
  #isSending = false;
  #producer: MessageProducer | undefined;
  #generation = 0;
  #nextSequence = 0;

  constructor(private readonly options: FramePublisherOptions) {}

  /** Puts an item behind everything before it; answers the frame it travels in. */
  add(item: RawItem): RawFrame {
    if (this.#filling?.takes(item) === false) this.#seal();
    const frame = this.#fill();
    frame.add(item);
    this.options.inFlight.add(item.bytes);
    if (frame.isFull) this.#seal();
    return frame;
  }

  /** Puts a marker behind everything before it, and before everything after it. */
  mark(marker: Marker): RawFrame {
    const frame = this.#fill();
    frame.mark(marker);
    this.#seal();
    return frame;
  }

  #fill(): RawFrame {
    if (this.#filling !== undefined) return this.#filling;
    this.#filling = new RawFrame(this.options.generatedIds);
    this.#cancelLinger = this.options.clock.after(LINGER_MS, () => this.#onLinger());
    return this.#filling;
  }

  /** While another frame is under way, this one may as well take in more. */
  #onLinger(): void {
    if (this.#isSending) this.#isFillingDue = true;
    else this.#seal();
  }

  #seal(): void {
    this.#cancelLinger();
    this.#isFillingDue = false;
    if (this.#filling !== undefined) this.#sealed.push(this.#filling);
    this.#filling = undefined;
    if (!this.#isSending) void this.#sendAll();
  }

  async #sendAll(): Promise<void> {
    this.#isSending = true;
    for (let frame = this.#sealed.shift(); frame !== undefined; frame = this.#sealed.shift()) {
      await this.#settle(frame);
      if (this.#sealed.length === 0 && this.#isFillingDue) this.#seal();
    }
    this.#isSending = false;
  }

  async #settle(frame: RawFrame): Promise<void> {
    try {
      await this.#store(frame);
      this.options.onStored();
      frame.succeed();
    } catch (error) {
      frame.fail(error);
    } finally {
      this.options.inFlight.release(frame.bytes);
    }
  }

  /** Returns once the frame is stored; throws if it is not and will not be. */
  async #store(frame: RawFrame): Promise<void> {
    const encoded = frame.encode();
    let mayBeStored = false;
    for (let backoffMs = FIRST_BACKOFF_MS; ; backoffMs = Math.min(2 * backoffMs, LONGEST_BACKOFF_MS)) {
      const outcome = await this.#send(encoded, mayBeStored);
      if (outcome === 'stored') return;
      mayBeStored ||= outcome === 'unknown';
      await this.options.clock.sleep(backoffMs);
    }
  }

  /** `not-sent`: try again; `unknown`: the log may have it, so only the same bytes may follow (P1). */
  async #send(encoded: EncodedFrame, mayBeStored: boolean): Promise<'stored' | 'not-sent' | 'unknown'> {
    const producer = await this.#open();
    if (producer === undefined) return 'not-sent';
    const sequenceId = this.#nextSequence;
    try {
      const { duplicate } = await producer.send({
        payload: encoded.payload,
        sequenceId,
        properties: { ...encoded.properties, ...this.#properties(sequenceId) },
      });
      if (duplicate && !mayBeStored) throw new ProducerNameSharedError(this.#producerName(), sequenceId);
      this.#nextSequence++;
      return 'stored';
    } catch (error) {
      if (error instanceof LogFullError && !mayBeStored) throw error;
      if (isRetriable(error)) return error instanceof LogFullError ? 'not-sent' : 'unknown';
      this.#beginAnew();
      throw error;
    }
  }

  /** Undefined: not now. Whatever can be waited for is. */
  async #open(): Promise<MessageProducer | undefined> {
    if (this.#producer !== undefined) return this.#producer;
    const { broker, topic, partition } = this.options;
    try {
      this.#producer = await broker.openProducer({ topic, partition, producerName: this.#producerName() });
      return this.#producer;
    } catch (error) {
      if (isRetriable(error)) return undefined;
      throw error;
    }
  }

  #beginAnew(): void {
    void this.#producer?.close().catch(() => undefined);
    this.#producer = undefined;
    this.#generation++;
    this.#nextSequence = 0;
  }

  #producerName(): string {
    const { processId } = this.options;
    return this.#generation === 0 ? processId : `${processId}.${this.#generation}`;
  }

  #properties(sequenceId: number): Record<string, string> {
    return {
      [PRODUCER_PROPERTY]: this.#producerName(),
      [SEQUENCE_PROPERTY]: String(sequenceId),
    };
  }
}

function isRetriable(error: unknown): boolean {
  return error instanceof PlatformError && error.retry === 'backoff';
}
