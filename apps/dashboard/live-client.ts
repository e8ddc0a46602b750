import type { Clock } from '#libs/kernel';
import type { LiveRing } from './live-ring.js';

/** Where a client's bytes go: the part of an HTTP response that is needed. */
export interface LiveSocket {
  write(text: string): boolean;
  end(): void;
  destroy(): void;
  on(event: 'drain' | 'close', listener: () => void): unknown;
}

export interface LiveClientOptions {
  readonly socket: LiveSocket;
  readonly ring: LiveRing;
  readonly clock: Clock;
  readonly stream: string;
  /** Events up to this id are known to the client; undefined: it needs a snapshot. */
  readonly knownId?: number;
  /** The text of a snapshot event that stands for everything up to `id`. */
  readonly snapshot: (id: number) => Promise<string>;
}

/** A client that took nothing for so long is cut off; it comes back by itself and resumes. */
const MAX_STALL_MS = 30_000;

/**
 * One listener of the live stream. It keeps no queue: only the id of the last event it was sent. While its socket
 * is full it is left alone; afterwards it reads on from the ring, or starts over with a snapshot if the ring has
 * moved on, so that a slow client costs what a fast one costs.
 */
export class LiveClient {
  readonly #options: LiveClientOptions;
  #sentId: number | undefined;
  #stalledSinceMs: number | undefined;
  #isSnapshotRunning = false;
  #isClosed = false;

  constructor(options: LiveClientOptions) {
    this.#options = options;
    this.#sentId = options.knownId;
    options.socket.on('drain', () => {
      this.#stalledSinceMs = undefined;
      this.pump();
    });
    options.socket.on('close', () => (this.#isClosed = true));
  }

  get stream(): string {
    return this.#options.stream;
  }

  get isClosed(): boolean {
    return this.#isClosed;
  }

  /** Sends what is new, as far as the socket takes it. Call after every event of the ring. */
  pump(): void {
    const { ring } = this.#options;
    if (this.#isClosed || this.#isSnapshotRunning || this.#isStalled()) return;
    if (this.#sentId === undefined || !ring.reachesBackTo(this.#sentId)) {
      void this.#startOver();
      return;
    }
    while (this.#sentId < ring.lastId && this.#stalledSinceMs === undefined) this.#sendNext(++this.#sentId);
  }

  /** Says goodbye: the client reconnects on its own, to this process or to another. */
  close(): void {
    this.#isClosed = true;
    this.#options.socket.end();
  }

  #sendNext(id: number): void {
    const entry = this.#options.ring.get(id);
    if (entry === undefined) return;
    if (entry.stream === undefined || entry.stream === this.#options.stream) this.#write(entry.text);
  }

  async #startOver(): Promise<void> {
    this.#isSnapshotRunning = true;
    const id = this.#options.ring.lastId;
    try {
      const text = await this.#options.snapshot(id);
      if (this.#isClosed) return;
      this.#sentId = id;
      this.#write(text);
    } catch {
      // The store is away. The client sees the end of the stream, says so, and comes back.
      this.close();
    } finally {
      this.#isSnapshotRunning = false;
    }
    this.pump();
  }

  #write(text: string): void {
    if (!this.#options.socket.write(text)) this.#stalledSinceMs = this.#options.clock.monotonicMs();
  }

  #isStalled(): boolean {
    if (this.#stalledSinceMs === undefined) return false;
    if (this.#options.clock.monotonicMs() - this.#stalledSinceMs > MAX_STALL_MS) {
      this.#isClosed = true;
      this.#options.socket.destroy();
    }
    return true;
  }
}
