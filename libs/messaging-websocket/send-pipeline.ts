import type { SendReceipt } from '#libs/messaging';

/** One message on its way. */
export interface Sending {
  readonly text: string;
  readonly context: string;
  readonly sequenceId: number | undefined;
  /** By the monotonic clock. */
  readonly deadlineMs: number;
  readonly resolve: (receipt: SendReceipt) => void;
  readonly reject: (error: Error) => void;
}

interface InFlight extends Sending {
  receipt: SendReceipt | undefined;
}

/** The broker answers in order; more than this under way gains nothing. */
const MAX_IN_FLIGHT_MESSAGES = 256;
const MAX_IN_FLIGHT_BYTES = 4 * 1024 * 1024;

/**
 * The order of what is sent.
 *
 * Q1. Messages go out in the order of the calls and are answered in it.
 * Q2. A number that is not above the last one before it is a duplicate, and is answered when that one is known to be
 *     stored.
 * Q3. Where one fails, all behind it fail: else a later one would be stored before it.
 */
export class SendPipeline {
  readonly #waiting: Sending[] = [];
  readonly #inFlight: InFlight[] = [];
  #waitingBytes = 0;
  #inFlightBytes = 0;
  /** Known to be stored. */
  #storedSequenceId = -1;
  /** The highest that was sent or is stored. */
  #sentSequenceId = -1;

  get lastSequenceId(): number {
    return this.#storedSequenceId;
  }

  get waitingBytes(): number {
    return this.#waitingBytes;
  }

  get isUnderWay(): boolean {
    return this.#inFlight.length > 0;
  }

  /** The first that waits to be sent, and is no duplicate. */
  get next(): Pick<Sending, 'sequenceId'> | undefined {
    return this.#waiting.find((one) => !this.#isDuplicate(one));
  }

  /** Of the oldest message; undefined where there is none. */
  get deadlineMs(): number | undefined {
    return (this.#inFlight[0] ?? this.#waiting[0])?.deadlineMs;
  }

  /** The broker has this number and those below. */
  learn(sequenceId: number): void {
    this.#storedSequenceId = Math.max(this.#storedSequenceId, sequenceId);
    this.#sentSequenceId = this.#storedSequenceId;
  }

  add(sending: Sending): void {
    this.#waiting.push(sending);
    this.#waitingBytes += sending.text.length;
  }

  /** Sends what may be under way now, up to the first that `send` does not take. */
  pump(send: (sending: Sending) => boolean): void {
    while (this.#inFlight.length < MAX_IN_FLIGHT_MESSAGES && this.#inFlightBytes < MAX_IN_FLIGHT_BYTES) {
      const next = this.#waiting[0];
      if (next === undefined) break;
      const isDuplicate = this.#isDuplicate(next);
      if (!isDuplicate && !send(next)) break;
      this.#waiting.shift();
      this.#waitingBytes -= next.text.length;
      this.#inFlightBytes += next.text.length;
      this.#inFlight.push({ ...next, receipt: isDuplicate ? { duplicate: true } : undefined });
      if (!isDuplicate) this.#sentSequenceId = next.sequenceId ?? this.#sentSequenceId;
    }
    this.#settle();
  }

  stored(context: string, receipt: SendReceipt): void {
    const sending = this.#inFlight.find((one) => one.context === context);
    if (sending !== undefined) sending.receipt = receipt;
    this.#settle();
  }

  /** Fails everything that was called before now (Q3). */
  failAll(error: Error): void {
    const failed = [...this.#inFlight.splice(0), ...this.#waiting.splice(0)];
    this.#inFlightBytes = 0;
    this.#waitingBytes = 0;
    this.#sentSequenceId = this.#storedSequenceId;
    for (const { reject } of failed) reject(error);
  }

  #isDuplicate({ sequenceId }: Sending): boolean {
    return sequenceId !== undefined && sequenceId <= this.#sentSequenceId;
  }

  #settle(): void {
    for (let head = this.#inFlight[0]; head?.receipt !== undefined; head = this.#inFlight[0]) {
      this.#inFlight.shift();
      this.#inFlightBytes -= head.text.length;
      if (!head.receipt.duplicate && head.sequenceId !== undefined) this.#storedSequenceId = head.sequenceId;
      head.resolve(head.receipt);
    }
  }
}
