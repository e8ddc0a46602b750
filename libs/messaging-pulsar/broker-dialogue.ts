import { PlatformError } from '#libs/kernel';
import { BrokerUnauthorizedError, BrokerUnavailableError, type TokenSource } from '#libs/pulsar-admin';
import { type Fields, numberIn, textIn } from './protobuf.js';
import {
  type Answer,
  COMMAND,
  type ProtocolAddress,
  ProtocolConnection,
  type ProtocolOptions,
} from './protocol-connection.js';

/** Whom to ask. */
export interface BrokerSource {
  /** `pulsar://host:6650`, also several hosts with commas between. */
  readonly serviceUrl: string;
  readonly token: TokenSource;
  readonly timeoutMs: number;
  readonly ca?: Buffer;
}

/** The broker has answered with an error: Pulsar's ServerError. */
export class ServerRefusal extends Error {
  constructor(
    readonly serverError: number,
    reason: string,
  ) {
    super(reason);
  }
}

/** What Pulsar 2.8 and later speak. */
const PROTOCOL_VERSION = 19;
/** AuthenticationError and AuthorizationError. */
const REFUSALS: ReadonlySet<number> = new Set([3, 4]);

/** A short talk with a broker in its own protocol, over one connection at a time, within one limit of time. */
export class BrokerDialogue {
  readonly #options: ProtocolOptions;
  #connection: ProtocolConnection | undefined;

  constructor(readonly source: BrokerSource) {
    const signal = AbortSignal.timeout(source.timeoutMs);
    this.#options = source.ca === undefined ? { signal } : { signal, ca: source.ca };
  }

  /**
   * Has the talk and hangs up.
   *
   * @throws BrokerUnauthorizedError, BrokerUnavailableError (backoff); what `talk` throws with a code
   */
  static async hold<T>(source: BrokerSource, talk: (dialogue: BrokerDialogue) => Promise<T>): Promise<T> {
    const dialogue = new BrokerDialogue(source);
    try {
      await dialogue.connect(source.serviceUrl);
      return await talk(dialogue);
    } catch (error) {
      throw dialogue.#named(error);
    } finally {
      dialogue.#connection?.close();
    }
  }

  get isTls(): boolean {
    return this.source.serviceUrl.startsWith('pulsar+ssl:');
  }

  /** To the first of the hosts that answers, by a proxy to `proxiedTo` where that is given. */
  async connect(url: string, proxiedTo?: string): Promise<void> {
    let failure: unknown;
    for (const address of addressesOf(url)) {
      try {
        return await this.#connect(address, proxiedTo);
      } catch (error) {
        failure = error;
      }
    }
    throw failure;
  }

  /** @throws ServerRefusal */
  async ask(
    command: keyof typeof COMMAND,
    fields: Parameters<ProtocolConnection['ask']>[1],
    awaited: keyof typeof COMMAND,
  ): Promise<Fields> {
    if (this.#connection === undefined) throw new Error('no connection');
    return accepted(await this.#connection.ask(command, fields, [awaited]));
  }

  async #connect(address: ProtocolAddress, proxiedTo: string | undefined): Promise<void> {
    this.#connection?.close();
    this.#connection = await ProtocolConnection.open(address, this.#options);
    const token = await this.source.token.token();
    const authentication = token === undefined ? undefined : 'token';
    await this.ask(
      'connect',
      [
        [1, 'millrace'],
        [3, token],
        [4, PROTOCOL_VERSION],
        [5, authentication],
        [6, proxiedTo],
      ],
      'connected',
    );
  }

  #named(error: unknown): unknown {
    if (error instanceof PlatformError) return error;
    const { serviceUrl } = this.source;
    const reason = error instanceof Error ? error.message : String(error);
    const isRefused = error instanceof ServerRefusal && REFUSALS.has(error.serverError);
    if (isRefused) return new BrokerUnauthorizedError(serviceUrl, reason, error);
    return new BrokerUnavailableError(serviceUrl, reason, error);
  }
}

function accepted({ command, fields }: Answer): Fields {
  const isFailedLookup = command === COMMAND.lookupResponse && numberIn(fields, 6, -1) >= 0;
  if (command !== COMMAND.error && !isFailedLookup) return fields;
  const serverError = numberIn(fields, isFailedLookup ? 6 : 2, 0);
  throw new ServerRefusal(serverError, textIn(fields, isFailedLookup ? 7 : 3) ?? `error ${serverError}`);
}

const DEFAULT_PORT = 6650;
const DEFAULT_TLS_PORT = 6651;

/** Every host of `pulsar://a:6650,b:6650`. */
function addressesOf(serviceUrl: string): readonly ProtocolAddress[] {
  const [scheme = '', rest = ''] = serviceUrl.split('://');
  return (rest.split('/')[0] ?? '').split(',').map((host) => addressOf(new URL(`${scheme}://${host}`)));
}

function addressOf({ protocol, hostname, port }: URL): ProtocolAddress {
  const isTls = protocol === 'pulsar+ssl:';
  const defaultPort = isTls ? DEFAULT_TLS_PORT : DEFAULT_PORT;
  return { host: hostname.replace(/^\[|\]$/g, ''), port: port === '' ? defaultPort : Number(port), isTls };
}
