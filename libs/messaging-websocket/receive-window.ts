import type { Clock } from '#libs/kernel';

/** So many bytes of a consumer may be on their way or wait to be taken, as far as sizes can be foreseen. */
const WINDOW_BYTES = 8 * 1024 * 1024;
const MAX_WINDOW_MESSAGES = 256;
const MIN_WINDOW_MESSAGES = 8;
const FIRST_ESTIMATE_BYTES = 64 * 1024;
/** Of the largest message of late: forgotten by half within 70 messages. */
const DECAY = 0.99;
/** What waits to be taken beyond this stops the socket; below half of it, it goes on. */
export const PAUSE_BYTES = 2 * WINDOW_BYTES;

/** It asks about as often as this, as long as messages come: quicker, it asks for more at a time, and slower, for fewer. */
const QUICK_MS = 500;
const SLOW_MS = 2_000;
/** The fewest, on a stream that is nearly quiet. */
const MIN_PACE_MESSAGES = 2;

/**
 * How many messages a consumer asks for: bounded in number, in bytes by the size of the late ones, and to what comes within a second
 * or two. A process that stands still is given up by the broker when nothing has been written to it for a while, and it is
 * written to as long as it has asked for more.
 */
export class ReceiveWindow {
  #estimateBytes = FIRST_ESTIMATE_BYTES;
  /** By the pace at which they come. */
  #paceMessages = MIN_WINDOW_MESSAGES;
  #askedMs = -Infinity;
  /** Asked for and not arrived. */
  #outstanding = 0;

  constructor(private readonly clock: Clock) {}

  /** A new connection knows nothing of what was asked for through the last. */
  reset(): void {
    this.#outstanding = 0;
  }

  arrived(messageBytes: number): void {
    this.#outstanding = Math.max(0, this.#outstanding - 1);
    this.#estimateBytes = Math.max(messageBytes, this.#estimateBytes * DECAY);
  }

  /** How many more to ask for now; 0 where that is not worth a request. */
  request(waitingMessages: number): number {
    const present = this.#messages();
    if (present - this.#outstanding - waitingMessages < present / 2) return 0;
    const nowMs = this.clock.monotonicMs();
    this.#keepPace(nowMs - this.#askedMs);
    const room = this.#messages() - this.#outstanding - waitingMessages;
    if (room <= 0) return 0;
    this.#askedMs = nowMs;
    this.#outstanding += room;
    return room;
  }

  #keepPace(sinceLastMs: number): void {
    if (sinceLastMs < QUICK_MS) this.#paceMessages = Math.min(MAX_WINDOW_MESSAGES, 2 * this.#paceMessages);
    else if (sinceLastMs > SLOW_MS) this.#paceMessages = Math.max(MIN_PACE_MESSAGES, this.#paceMessages / 2);
  }

  #messages(): number {
    const size = Math.floor(WINDOW_BYTES / Math.max(1, this.#estimateBytes));
    return Math.min(this.#paceMessages, Math.max(MIN_WINDOW_MESSAGES, size));
  }
}
