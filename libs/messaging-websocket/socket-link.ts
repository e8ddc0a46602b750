import { type Clock, PlatformError } from '#libs/kernel';
import type { BrokerReturn } from './broker-return.js';
import type { BrokerSocket, SocketListener } from './broker-socket.js';

export interface LinkOptions {
  readonly clock: Clock;
  /** 0 ≤ random < 1, for jitter. */
  readonly random: () => number;
  /** Where everybody waits until the broker can be used again. */
  readonly back: Pick<BrokerReturn, 'wait'>;
  /** Opens a socket, and makes it ready. Called again after each loss, with the time that the handshake may take. */
  readonly open: (listener: SocketListener, handshakeMs?: number) => Promise<BrokerSocket>;
  readonly onOpen: (socket: BrokerSocket) => void;
  readonly onText: (text: string) => void;
  readonly onLost: (error: Error) => void;
  /** It was lost, and what keeps it from coming back will not pass: somebody else has taken its place, say. */
  readonly onFailed: (error: Error) => void;
  /** Does trying again make sense after this error. Default: as the error says. */
  readonly isWorthRetrying?: (error: unknown) => Promise<boolean>;
}

const FIRST_PAUSE_MS = 50;
const LONGEST_PAUSE_MS = 2_000;
/** A connection that is accepted and never answered is given up after this, later after more: the broker may be slow. */
const FIRST_HANDSHAKE_MS = 2_000;
/** A connection must hold this long before its backoff resets; else a broker that accepts and drops is dialled in a tight loop. */
const STABLE_CONNECTION_MS = 5_000;

/** A socket that comes back: opened again after a loss, with backoff and jitter, until it is closed or there is no use. */
export class SocketLink {
  readonly #options: LinkOptions;
  readonly #closing = new AbortController();
  #retrying = new AbortController();
  #socket: BrokerSocket | undefined;
  #problem: Error | undefined;
  #failures = 0;
  #openedMs = 0;
  #reconnecting: Promise<void> = Promise.resolve();

  constructor(options: LinkOptions) {
    this.#options = options;
  }

  /** Undefined while there is none. */
  get socket(): BrokerSocket | undefined {
    return this.#socket;
  }

  /** Why there is none. */
  get problem(): Error | undefined {
    return this.#problem;
  }

  /** The first connection. @throws why there is none */
  async start(): Promise<void> {
    await this.#connect();
  }

  /** Closes the socket and opens another; `between` runs while there is none. */
  async restart(between: () => Promise<void>): Promise<void> {
    this.#retrying.abort();
    await this.#reconnecting;
    this.#retrying = new AbortController();
    await this.#drop();
    await between();
    await this.#connect();
  }

  /** The same without anybody waiting for it. Where no other can be opened, it is as if the first one had been lost. */
  renew(): void {
    this.#reconnecting = this.#drop()
      .then(() => this.#connect())
      .catch((error: unknown) => this.#onLost(error as Error));
  }

  async close(): Promise<void> {
    this.#closing.abort();
    await this.#drop();
    await this.#reconnecting;
  }

  async #drop(): Promise<void> {
    const socket = this.#socket;
    this.#socket = undefined;
    await socket?.close();
  }

  async #connect(handshakeMs?: number): Promise<void> {
    let lost: Error | undefined;
    const connection = { isMade: false };
    const listener: SocketListener = {
      text: (text) => this.#options.onText(text),
      lost: (error) => {
        lost = error;
        if (connection.isMade) this.#onLost(error);
      },
    };
    const socket = await this.#options.open(listener, handshakeMs);
    if (this.#closing.signal.aborted) return await socket.close();
    if (lost !== undefined) throw lost;
    connection.isMade = true;
    this.#socket = socket;
    this.#problem = undefined;
    this.#openedMs = this.#options.clock.monotonicMs();
    this.#options.onOpen(socket);
  }

  #onLost(error: Error): void {
    const heldMs = this.#options.clock.monotonicMs() - this.#openedMs;
    if (heldMs >= STABLE_CONNECTION_MS) this.#failures = 0;
    this.#socket = undefined;
    this.#problem = error;
    this.#options.onLost(error);
    this.#reconnecting = this.#reconnect();
  }

  async #reconnect(): Promise<void> {
    const { clock, onFailed } = this.#options;
    const stop = AbortSignal.any([this.#closing.signal, this.#retrying.signal]);
    for (;;) {
      await clock.sleep(this.#pauseMs(), stop);
      await this.#options.back.wait(stop);
      if (stop.aborted) return;
      try {
        return await this.#connect(FIRST_HANDSHAKE_MS * 2 ** Math.min(this.#failures, 10));
      } catch (error) {
        this.#failures++;
        this.#problem = error as Error;
        if (!(await this.#isWorthRetrying(error))) return onFailed(error as Error);
      }
    }
  }

  async #isWorthRetrying(error: unknown): Promise<boolean> {
    const decide = this.#options.isWorthRetrying;
    if (decide !== undefined) return await decide(error);
    return error instanceof PlatformError && error.retry === 'backoff';
  }

  /** Half of it is jitter, so that all who were cut off do not come back at once. */
  #pauseMs(): number {
    const fullMs = Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** Math.min(this.#failures, 10));
    return (fullMs / 2) * (1 + this.#options.random());
  }
}
