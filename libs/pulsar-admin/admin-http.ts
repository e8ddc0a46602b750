import {
  BrokerUnauthorizedError,
  BrokerUnavailableError,
  PulsarConflictError,
  PulsarNotFoundError,
  PulsarRefusedError,
} from './pulsar-admin.errors.js';
import { NO_TOKEN, type TokenSource } from './token-source.js';

/** Whom to ask, and how long. */
export interface AdminOptions {
  /** The REST address of the broker or of a proxy: `http://host:8080`, `https://host:8443`. */
  readonly address: string;
  /** Default: none. */
  readonly token?: TokenSource;
  /** How long one request may take, with all its redirects. Default 15 s. */
  readonly timeoutMs?: number;
}

/** What one call may be given. */
export interface CallOptions {
  /** Ends the call with the signal's reason. */
  readonly signal?: AbortSignal;
}

export interface AdminRequest extends CallOptions {
  readonly method: 'GET' | 'PUT' | 'POST' | 'DELETE';
  /** Below `/admin/v2/`, its segments encoded. */
  readonly path: string;
  readonly query?: Readonly<Record<string, string | number | boolean>>;
  /** JSON text, so that a number may be larger than JavaScript's. */
  readonly body?: string;
}

/** Longer than a metadata store with a slow disk takes; shorter than a person waits. */
const DEFAULT_TIMEOUT_MS = 15_000;
/** A broker names the one that owns the topic, which may have changed meanwhile. */
const MAX_REDIRECTS = 5;
const MAX_REASON_CHARS = 500;

/** Asks Pulsar's `/admin/v2`: token, time limit, redirects to the owner, refusals as errors with a code. */
export class AdminHttp {
  readonly #root: string;
  readonly #token: TokenSource;
  readonly #timeoutMs: number;

  constructor(readonly options: AdminOptions) {
    this.#root = `${options.address.replace(/\/+$/, '')}/admin/v2/`;
    this.#token = options.token ?? NO_TOKEN;
    this.#timeoutMs = options.timeoutMs ?? DEFAULT_TIMEOUT_MS;
  }

  /** The answer as JSON; undefined where it has no content. */
  async ask(request: AdminRequest): Promise<unknown> {
    const text = await this.text(request);
    if (text === '') return undefined;
    try {
      return JSON.parse(text) as unknown;
    } catch (cause) {
      const reason = `its answer to ${request.method} ${request.path} is no JSON`;
      throw new BrokerUnavailableError(this.options.address, reason, cause);
    }
  }

  /** The same; undefined too where what the path names is not there. */
  async find(request: AdminRequest): Promise<unknown> {
    try {
      return await this.ask(request);
    } catch (error) {
      if (error instanceof PulsarNotFoundError) return undefined;
      throw error;
    }
  }

  /** The answer as it came. */
  async text(request: AdminRequest): Promise<string> {
    const timeout = AbortSignal.timeout(this.#timeoutMs);
    const signal = request.signal === undefined ? timeout : AbortSignal.any([timeout, request.signal]);
    const headers = await this.#headers();
    try {
      const response = await this.#follow(request, { headers, signal });
      const text = await response.text();
      if (response.ok) return text;
      throw this.#refusal(request, response.status, reasonIn(text));
    } catch (error) {
      request.signal?.throwIfAborted();
      throw this.#named(error, timeout);
    }
  }

  async #headers(): Promise<Record<string, string>> {
    const token = await this.#token.token();
    const headers = { accept: 'application/json', 'content-type': 'application/json' };
    return token === undefined ? headers : { ...headers, authorization: `Bearer ${token}` };
  }

  // By hand: fetch drops the token where a redirect leads to another host, which is what a cluster's do.
  async #follow(request: AdminRequest, init: RequestInit): Promise<Response> {
    let url = this.#url(request);
    for (let hops = 0; hops <= MAX_REDIRECTS; hops += 1) {
      const response = await fetch(url, {
        ...init,
        method: request.method,
        redirect: 'manual',
        ...(request.body === undefined ? {} : { body: request.body }),
      });
      const location = response.headers.get('location');
      if (response.status < 300 || response.status >= 400 || location === null) return response;
      await response.body?.cancel();
      url = this.#next(url, location);
    }
    const reason = `more than ${MAX_REDIRECTS} redirects, the last to ${url.host}`;
    throw new BrokerUnavailableError(this.options.address, reason);
  }

  #url({ path, query = {} }: AdminRequest): URL {
    const url = new URL(this.#root + path);
    for (const [name, value] of Object.entries(query)) url.searchParams.set(name, String(value));
    return url;
  }

  #next(from: URL, location: string): URL {
    const to = new URL(location, from);
    if (from.protocol === 'https:' && to.protocol !== 'https:') {
      const reason = `it leads from https to ${to.origin}; the token does not go there`;
      throw new PulsarRefusedError(this.options.address, 307, reason);
    }
    return to;
  }

  #refusal({ method, path }: AdminRequest, status: number, reason: string): Error {
    const request = `${method} ${path}`;
    if (status === 401 || status === 403) {
      return new BrokerUnauthorizedError(this.options.address, `${request}: ${status} ${reason}`);
    }
    if (status === 404) return new PulsarNotFoundError(request, reason);
    if (status === 409) return new PulsarConflictError(request, reason);
    if (status === 429 || status >= 500 || isBusy(status, reason)) {
      return new BrokerUnavailableError(this.options.address, `${request}: ${status} ${reason}`);
    }
    return new PulsarRefusedError(request, status, reason);
  }

  #named(error: unknown, timeout: AbortSignal): unknown {
    const { address } = this.options;
    if (timeout.aborted) {
      return new BrokerUnavailableError(address, `no answer within ${this.#timeoutMs} ms`, error);
    }
    // What fetch itself throws when there is no connection.
    return isNoConnection(error) ? new BrokerUnavailableError(address, causeOf(error), error) : error;
  }
}

/**
 * Two at a time make the same subscription: the one that comes second is told that it is fenced at the moment. A broker that
 * has just started can't write down where a subscription is moved to, and says that there is no such place.
 */
function isBusy(status: number, reason: string): boolean {
  return status === 412 && /\b(busy|fenced?|unable to persist)\b/i.test(reason);
}

function reasonIn(text: string): string {
  try {
    // `message`: of the server below, which refuses before Pulsar is asked.
    const { reason, message } = JSON.parse(text) as { reason?: unknown; message?: unknown };
    const said = reason ?? message;
    if (typeof said === 'string') return said.slice(0, MAX_REASON_CHARS);
  } catch {
    // An error page of whatever stands between.
  }
  return text.slice(0, MAX_REASON_CHARS);
}

/** What TLS fails with, by its codes; OpenSSL's own words help nobody. */
const OF_TLS: readonly (readonly [RegExp, string])[] = [
  [
    /^ERR_SSL_(WRONG_VERSION_NUMBER|PACKET_LENGTH_TOO_LONG)$/,
    'that port does not speak TLS: wss://, pulsar+ssl:// and https:// are for ports that do',
  ],
  [
    /SELF_SIGNED_CERT|UNABLE_TO_(GET_ISSUER_CERT|VERIFY_LEAF)/,
    'its certificate is signed by nobody known here: MILLRACE_BROKER_CA_FILE names who may sign it',
  ],
  [/^ERR_TLS_CERT_ALTNAME_INVALID$/, 'its certificate is for other names than this one'],
  [/^CERT_HAS_EXPIRED$/, 'its certificate has expired'],
];

/** By its name: what fetch throws may be of another realm's class. */
function isNoConnection(error: unknown): error is Error {
  return (error as Error | undefined)?.name === 'TypeError';
}

function causeOf({ cause, message }: Error): string {
  const { code, message: reason } = (cause ?? {}) as Partial<NodeJS.ErrnoException>;
  const known = OF_TLS.find(([pattern]) => pattern.test(code ?? ''));
  if (known !== undefined) return `${known[1]} (${code})`;
  return [reason, code, message].find((text) => text !== undefined && text !== '') ?? message;
}
