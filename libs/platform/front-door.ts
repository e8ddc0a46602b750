import {
  createServer,
  type IncomingMessage,
  type RequestListener,
  type Server,
  type ServerResponse,
} from 'node:http';
import type { AddressInfo } from 'node:net';
import { type Clock, PlatformError, type RetryAdvice } from '#libs/kernel';

/** As Fastify has it: longer than any proxy keeps an idle connection, so that the proxy is the one who closes. */
const KEEP_ALIVE_MS = 72_000;
/** How long requests that have begun may take to end when the process does. */
const FINISH_MS = 5_000;

/** Somebody else listens where the app was told to. */
export class PortBusyError extends PlatformError {
  readonly code = 'PORT_BUSY';
  readonly retry: RetryAdvice = 'never';
  constructor(host: string, port: number) {
    super(
      `port ${port} of ${host} is in use; stop what listens there, or choose another port (MILLRACE_PORT)`,
      { context: { host, port } },
    );
  }
}

/** There is no such address here, or the process may not listen on it. */
export class ListenFailedError extends PlatformError {
  readonly code = 'LISTEN_FAILED';
  readonly retry: RetryAdvice = 'never';
  constructor(host: string, port: number, cause: NodeJS.ErrnoException) {
    const reason = REASONS[cause.code ?? ''] ?? cause.message;
    super(`nobody can listen at port ${port} of ${host} (MILLRACE_HOST, MILLRACE_PORT): ${reason}`, {
      cause,
      context: { host, port, reason },
    });
  }
}

const REASONS: Readonly<Record<string, string>> = {
  EACCES: 'this user may not; ports from 1024 on are for everybody',
  EADDRNOTAVAIL: 'this machine has no such address; 127.0.0.1 is loopback, 0.0.0.0 all that it has',
  ENOTFOUND: 'there is no such name; 127.0.0.1 is loopback, 0.0.0.0 all addresses of this machine',
};

/** What an attempt to listen has failed with, as people can use it. */
export function listenFailure(error: unknown, host: string, port: number): PlatformError {
  const cause = error as NodeJS.ErrnoException;
  return cause.code === 'EADDRINUSE'
    ? new PortBusyError(host, port)
    : new ListenFailedError(host, port, cause);
}

/** Answers a request that is not for the app; false: it is, after all. */
export type Substitute = (request: IncomingMessage, response: ServerResponse) => boolean;

/**
 * The socket of a process, from its first moment to its last: it is open before there is an app, so that probes are
 * answered while servers are awaited, and while the app drains. Who answers is exchanged, the socket stays.
 */
export class FrontDoor {
  readonly server: Server;
  #app: RequestListener | undefined;
  #substitute: Substitute;
  #open = 0;
  #onIdle: () => void = () => undefined;
  #isKept = false;

  /** @param substitute answers until there is an app */
  constructor(
    private readonly clock: Clock,
    substitute: Substitute,
  ) {
    this.#substitute = substitute;
    // A body may take as long as its sender likes.
    const settings = { requestTimeout: 0, keepAliveTimeout: KEEP_ALIVE_MS };
    this.server = createServer(settings, (request, response) => this.#answer(request, response));
  }

  /** Opens the socket. Gives its address. @throws PortBusyError, ListenFailedError */
  async listen(port: number, host: string): Promise<string> {
    await new Promise<void>((done, fail) => {
      this.server.once('error', (error) => fail(listenFailure(error, host, port)));
      this.server.listen(port, host, done);
    });
    return urlOf(this.server.address() as AddressInfo);
  }

  /** For Fastify's `serverFactory`: it gets this socket, and its handler the requests once the app is let in. */
  serverFor(handler: RequestListener): Server {
    this.#app = handler;
    return this.server;
  }

  /** From now on the app answers, but for what `substitute` takes. */
  answerWith(substitute: Substitute): void {
    this.#substitute = substitute;
  }

  /** Takes no further connections, lets what has begun end for 5 s, then cuts it off. */
  async close(): Promise<void> {
    if (this.#isKept) return;
    const closed = new Promise<void>((done) => this.server.close(() => done()));
    this.server.closeIdleConnections();
    await Promise.race([this.#untilIdle(), this.clock.sleep(FINISH_MS)]);
    this.server.closeAllConnections();
    await closed;
  }

  /** An app that is closed meanwhile leaves the socket open. */
  async staysOpen(closing: () => Promise<void>): Promise<void> {
    this.#isKept = true;
    await closing().finally(() => (this.#isKept = false));
  }

  #answer(request: IncomingMessage, response: ServerResponse): void {
    this.#open++;
    response.on('close', this.#onClosed);
    if (!this.#substitute(request, response)) this.#app?.(request, response);
  }

  /** One for all responses, each of which closes once. */
  readonly #onClosed = (): void => {
    this.#open--;
    if (this.#open === 0) this.#onIdle();
  };

  #untilIdle(): Promise<void> {
    if (this.#open === 0) return Promise.resolve();
    return new Promise((done) => (this.#onIdle = done));
  }
}

function urlOf({ address, port }: AddressInfo): string {
  const isLocal = ['127.0.0.1', '::1', '0.0.0.0', '::'].includes(address);
  const host = isLocal ? 'localhost' : address.includes(':') ? `[${address}]` : address;
  return `http://${host}:${port}`;
}
