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
import type { MouldedEvent, NamedEvent } from './event-mould.js';
import type { EventRun } from './event-run.js';
import { mostBytesOf } from './frame-lines.js';
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

/** The most frames on their way at once. */
const MAX_TOGETHER = 64;
/** How long an item waits for others to share its frame. */
const LINGER_MS = 5;
const FIRST_BACKOFF_MS = 50;
const LONGEST_BACKOFF_MS = 5_000;

/** A frame on its way, with what came of the first attempt. */
class Sending {
  readonly encoded: EncodedFrame;
  error: unknown;
  isSettled = false;

  constructor(readonly frame: RawFrame) {
    this.encoded = frame.encode();
  }
}

/**
 * Writes one partition of `raw`.
 *
 * P1. Frames of a producer name are numbered from 0 without a gap, and a number always means the same bytes: a
 *     number that may have been stored is sent again until it is known to be.
 * P2. Frames that have come together are sent together. Where one fails, those behind it have failed too, as the broker
 *     port says, and are sent again one by one, in their order. They are given up for lack of room only where all were
 *     refused for it: else a number could be missing below one that is stored.
 * P3. Where it stays unknown whether a frame was stored and sending again is no use, its requests fail, and
 *     numbering begins anew under another producer name.
 */
export class FramePublisher {
  #filling: RawFrame | undefined;
  #isFillingDue = false;
  #cancelLinger: Cancel = () => undefined;
  readonly #sealed: Sending[] = [];
  #isSending = false;
  #producer: MessageProducer | undefined;
  #generation = 0;
  #nextSequence = 0;

  constructor(private readonly options: FramePublisherOptions) {}

  /** Is there a frame to which more can be added. */
  get isFilling(): boolean {
    return this.#filling !== undefined;
  }

  /** Puts an item behind everything before it; answers the frame it travels in. */
  add(item: RawItem): RawFrame {
    if (this.#filling?.takes(item) === false) this.#seal();
    const frame = this.#fill();
    frame.add(item);
    this.options.inFlight.add(item.bytes);
    if (frame.isFull) this.#seal();
    return frame;
  }

  /** The same of an event that is not printed again. */
  addNamed(named: NamedEvent): RawFrame {
    if (this.#filling?.takesNamed(named) === false) this.#seal();
    const frame = this.#fill();
    this.options.inFlight.add(frame.addNamed(named));
    if (frame.isFull) this.#seal();
    return frame;
  }

  /** The same of events whose ids are made here: as many as their frame takes, at least one. @param firstId of the first */
  addRun(run: EventRun, firstId: number): RawFrame {
    const { events, mould } = run;
    let event = events.at(run.next) as MouldedEvent;
    if (this.#filling?.takesMoulded(mostBytesOf(mould, event)) === false) this.#seal();
    const frame = this.#fill();
    const bytesBefore = frame.bytes;
    for (let id = firstId; ; id++) {
      frame.addMoulded(mould, event, id);
      run.next++;
      if (run.next === run.end || frame.isFull) break;
      event = events.at(run.next) as MouldedEvent;
      if (!frame.takesMoulded(mostBytesOf(mould, event))) break;
    }
    this.options.inFlight.add(frame.bytes - bytesBefore);
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
    if (this.#filling !== undefined) this.#sealed.push(new Sending(this.#filling));
    this.#filling = undefined;
    if (!this.#isSending) void this.#sendAll();
  }

  async #sendAll(): Promise<void> {
    this.#isSending = true;
    while (this.#sealed.length > 0) {
      await this.#settleAll(this.#sealed.splice(0, MAX_TOGETHER));
      if (this.#sealed.length === 0 && this.#isFillingDue) this.#seal();
    }
    this.#isSending = false;
  }

  async #settleAll(sendings: readonly Sending[]): Promise<void> {
    const producer = sendings.length > 1 ? await this.#openIfPossible() : undefined;
    if (producer !== undefined) await this.#sendTogether(sendings, producer);
    const left = sendings.filter(({ isSettled }) => !isSettled);
    const fatal = left.find(({ error }) => error !== undefined && !isRetriable(error));
    // P3: all of them were sent under the old name.
    if (fatal !== undefined) this.#beginAnew();
    // P2: whether the log was full is beside the point, where one of them may be stored.
    const mayBeStored = left.some(({ error }) => error !== undefined && !(error instanceof LogFullError));
    for (const sending of left) {
      const refusal = fatal?.error ?? (mayBeStored ? undefined : sending.error);
      if (refusal === undefined) await this.#settle(sending, mayBeStored);
      else this.#fail(sending, refusal);
    }
  }

  async #settle(sending: Sending, mayBeStored: boolean): Promise<void> {
    try {
      await this.#store(sending.encoded, mayBeStored);
      this.#succeed(sending);
    } catch (error) {
      this.#fail(sending, error);
    }
  }

  #succeed(sending: Sending): void {
    sending.isSettled = true;
    this.options.inFlight.release(sending.frame.bytes);
    this.options.onStored();
    sending.frame.succeed();
  }

  #fail(sending: Sending, error: unknown): void {
    sending.isSettled = true;
    this.options.inFlight.release(sending.frame.bytes);
    sending.frame.fail(error);
  }

  /** Sends several at once, each under its number. What is not stored then has its error (P2). */
  async #sendTogether(sendings: readonly Sending[], producer: MessageProducer): Promise<void> {
    const first = this.#nextSequence;
    const send = async (sending: Sending, sequenceId: number): Promise<void> => {
      try {
        await this.#sendOnce(producer, sending.encoded, sequenceId, false);
        this.#succeed(sending);
      } catch (error) {
        sending.error = error;
      }
    };
    await Promise.all(sendings.map((sending, index) => send(sending, first + index)));
    this.#nextSequence = first + sendings.filter(({ isSettled }) => isSettled).length;
  }

  /** Returns once the frame is stored; throws if it is not and will not be. */
  async #store(encoded: EncodedFrame, maybe: boolean): Promise<void> {
    let mayBeStored = maybe;
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
    try {
      await this.#sendOnce(producer, encoded, this.#nextSequence, mayBeStored);
      this.#nextSequence++;
      return 'stored';
    } catch (error) {
      if (error instanceof LogFullError && !mayBeStored) throw error;
      if (isRetriable(error)) return error instanceof LogFullError ? 'not-sent' : 'unknown';
      this.#beginAnew();
      throw error;
    }
  }

  async #sendOnce(
    producer: MessageProducer,
    { payload, properties }: EncodedFrame,
    sequenceId: number,
    mayBeStored: boolean,
  ): Promise<void> {
    const { duplicate } = await producer.send({
      payload,
      sequenceId,
      properties: { ...properties, ...this.#properties(sequenceId) },
    });
    if (duplicate && !mayBeStored) throw new ProducerNameSharedError(this.#producerName(), sequenceId);
  }

  /** Undefined: not now, and why not shows when each is sent alone. */
  async #openIfPossible(): Promise<MessageProducer | undefined> {
    return await this.#open().catch(() => undefined);
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
