import { WebSocket } from 'ws';
import type { Cancel, Clock } from '#libs/kernel';
import { BrokerUnavailableError } from '#libs/pulsar-admin';

/** What a socket tells whoever opened it. */
export interface SocketListener {
  text(text: string): void;
  /** It is gone, and not because it was closed from here. Called once. */
  lost(error: Error): void;
}

export interface SocketOptions {
  readonly url: string;
  readonly token: string | undefined;
  readonly clock: Clock;
  readonly timeoutMs: number;
  /** The error for an answer that is no open socket. */
  readonly refused: (status: number, reason: string) => Error;
}

/** The largest message of a broker is 5 MiB unless told otherwise; in base64, with its properties. */
const MAX_RECEIVED_BYTES = 16 * 1024 * 1024;
/** Asked so often whether it is still there; also keeps it from counting as idle, which ends it after 5 minutes. */
const PING_INTERVAL_MS = 5_000;
/** Nothing heard for so long: it is gone, whatever the operating system believes. */
const SILENCE_LIMIT_MS = 12_000;
/** A closing handshake that takes longer is not waited for. */
const CLOSING_PATIENCE_MS = 2_000;
const MAX_REASON_CHARS = 500;

/** One WebSocket to the broker: it is alive or it is lost, never neither for long. */
export class BrokerSocket {
  readonly #socket: WebSocket;
  readonly #options: SocketOptions;
  readonly #listener: SocketListener;
  readonly #closed: Promise<void>;
  #heardMs: number;
  #isPaused = false;
  #isOver = false;
  #cancelPing: Cancel = () => undefined;

  private constructor(socket: WebSocket, options: SocketOptions, listener: SocketListener) {
    this.#socket = socket;
    this.#options = options;
    this.#listener = listener;
    this.#heardMs = options.clock.monotonicMs();
    this.#closed = new Promise((resolve) => socket.once('close', () => resolve()));
    socket.on('error', (error) => this.#lose(error.message, error));
    socket.on('close', (code, reason) => this.#lose(closeReason(code, String(reason))));
    socket.on('message', (data) => this.#hear(() => this.#onText(data as Buffer)));
    socket.on('pong', () => this.#hear(() => undefined));
    socket.on('ping', () => this.#hear(() => undefined));
  }

  /** @throws BrokerUnavailableError, or what `refused` makes of the answer */
  static async open(options: SocketOptions, listener: SocketListener): Promise<BrokerSocket> {
    const { url, token, timeoutMs } = options;
    const socket = new WebSocket(url, {
      handshakeTimeout: timeoutMs,
      perMessageDeflate: false,
      maxPayload: MAX_RECEIVED_BYTES,
      ...(token === undefined ? {} : { headers: { authorization: `Bearer ${token}` } }),
    });
    // From the first moment: what follows the handshake may arrive with it.
    const opened = new BrokerSocket(socket, options, listener);
    await opened.#handshake();
    opened.#keepAlive();
    return opened;
  }

  /** Sends a text; where the socket is gone, `lost` has told or will. */
  send(text: string): void {
    this.#socket.send(text, () => undefined);
  }

  /** Reads nothing more until `resume`, so that what the broker sends waits with the broker. */
  pause(): void {
    this.#isPaused = true;
    this.#socket.pause();
  }

  resume(): void {
    this.#isPaused = false;
    this.#heardMs = this.#options.clock.monotonicMs();
    this.#socket.resume();
  }

  /** Says goodbye and waits for the answer, but not for ever. */
  async close(): Promise<void> {
    this.#end();
    this.#socket.resume();
    this.#socket.close();
    const over = new AbortController();
    await Promise.race([this.#closed, this.#options.clock.sleep(CLOSING_PATIENCE_MS, over.signal)]);
    over.abort();
    this.#socket.terminate();
  }

  /** Gives the socket up, as if it had been lost. */
  giveUp(reason: string): void {
    this.#lose(reason);
    this.#socket.terminate();
  }

  async #handshake(): Promise<void> {
    const { refused } = this.#options;
    await new Promise<void>((resolve, reject) => {
      this.#socket.once('open', resolve);
      this.#socket.once('unexpected-response', (_request, response) => {
        this.#end();
        let body = '';
        response.on('data', (chunk: Buffer) => {
          if (body.length < 16_384) body += chunk.toString();
        });
        response.on('close', () => {
          reject(refused(response.statusCode ?? 0, reasonIn(body)));
          this.#socket.terminate();
        });
      });
      // After `open` nobody waits here any more.
      this.#socket.once('error', (error) => reject(this.#unavailable(error.message, error)));
    });
  }

  #keepAlive(): void {
    if (this.#isOver) return;
    this.#cancelPing = this.#options.clock.after(PING_INTERVAL_MS, () => {
      const silentMs = this.#options.clock.monotonicMs() - this.#heardMs;
      // Who does not listen hears nothing.
      if (!this.#isPaused && silentMs >= SILENCE_LIMIT_MS) {
        this.giveUp(`nothing heard for ${Math.round(silentMs)} ms`);
        return;
      }
      this.#socket.ping('', undefined, () => undefined);
      this.#keepAlive();
    });
  }

  #hear(what: () => void): void {
    this.#heardMs = this.#options.clock.monotonicMs();
    if (!this.#isOver) what();
  }

  #onText(data: Buffer): void {
    this.#listener.text(data.toString());
  }

  #lose(reason: string, cause?: Error): void {
    if (this.#isOver) return;
    const hasOpened = this.#socket.readyState !== WebSocket.CONNECTING;
    this.#end();
    if (hasOpened) this.#listener.lost(this.#unavailable(reason, cause));
  }

  #end(): void {
    this.#isOver = true;
    this.#cancelPing();
  }

  #unavailable(reason: string, cause?: Error): BrokerUnavailableError {
    return new BrokerUnavailableError(originOf(this.#options.url), reason, cause);
  }
}

function closeReason(code: number, reason: string): string {
  return `the connection was closed (${code}${reason === '' ? '' : `, ${reason}`})`;
}

/** What Jetty's error page says, without the page. */
function reasonIn(body: string): string {
  const title = /<title>([\s\S]*?)<\/title>/.exec(body)?.[1] ?? body;
  const text = title.replaceAll('&quot;', '"').replaceAll('&apos;', "'").replaceAll('&amp;', '&');
  const message = /"errorMsg":"(.*?)"(?:,"reqId"|\})/.exec(text)?.[1];
  return (message ?? text).trim().slice(0, MAX_REASON_CHARS);
}

function originOf(url: string): string {
  return new URL(url).host;
}
