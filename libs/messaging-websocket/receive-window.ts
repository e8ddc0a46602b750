/** So many bytes of a consumer may be on their way or wait to be taken, as far as sizes can be foreseen. */
const WINDOW_BYTES = 8 * 1024 * 1024;
const MAX_WINDOW_MESSAGES = 256;
const MIN_WINDOW_MESSAGES = 8;
const FIRST_ESTIMATE_BYTES = 64 * 1024;
/** Of the largest message of late: forgotten by half within 70 messages. */
const DECAY = 0.99;
/** What waits to be taken beyond this stops the socket; below half of it, it goes on. */
export const PAUSE_BYTES = 2 * WINDOW_BYTES;

/** How many messages a consumer asks for: bounded in number, and in bytes by the size of the late ones. */
export class ReceiveWindow {
  #estimateBytes = FIRST_ESTIMATE_BYTES;
  /** Asked for and not arrived. */
  #outstanding = 0;

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
    const size = Math.floor(WINDOW_BYTES / Math.max(1, this.#estimateBytes));
    const window = Math.max(MIN_WINDOW_MESSAGES, Math.min(MAX_WINDOW_MESSAGES, size));
    const room = window - this.#outstanding - waitingMessages;
    if (room < window / 2) return 0;
    this.#outstanding += room;
    return room;
  }
}
