import { ProducerBusyError } from '#libs/messaging';
import {
  BrokerUnauthorizedError,
  BrokerUnavailableError,
  partitionTopic,
  type TokenSource,
} from '#libs/pulsar-admin';
import { type Fields, numberIn, textIn } from './protobuf.js';
import {
  type Answer,
  COMMAND,
  type ProtocolAddress,
  ProtocolConnection,
  type ProtocolOptions,
} from './protocol-connection.js';

// The broker says which number of a producer it has stored last when the producer is opened. The Node client is told, and
// does not pass it on. So the name is opened and closed here, in the same words, just before the client opens it.

/** Whom to ask. */
export interface SequenceSource {
  /** `pulsar://host:6650`, also several hosts with commas between. */
  readonly serviceUrl: string;
  readonly token: TokenSource;
  readonly timeoutMs: number;
  readonly ca?: Buffer;
}

export interface ProducerPlace {
  readonly topic: string;
  readonly partition: number;
  readonly producerName: string;
}

/** What Pulsar 2.8 and later speak. */
const PROTOCOL_VERSION = 19;
const MAX_REDIRECTS = 5;
const CONNECT_RESPONSE = 1;
/** Pulsar's ServerError. */
const PRODUCER_BUSY = 16;
const REFUSALS: ReadonlySet<number> = new Set([3, 4]);

/**
 * The highest sequence id that the broker has stored of this producer; −1 if it knows none.
 *
 * @throws ProducerBusyError, BrokerUnauthorizedError, BrokerUnavailableError (all backoff)
 */
export async function lastSequenceId(source: SequenceSource, place: ProducerPlace): Promise<number> {
  const dialogue = new Dialogue(source, place);
  try {
    return await dialogue.run();
  } catch (error) {
    throw dialogue.named(error);
  }
}

class Dialogue {
  readonly #topic: string;
  readonly #options: ProtocolOptions;
  #connection: ProtocolConnection | undefined;
  #requests = 0;

  constructor(
    private readonly source: SequenceSource,
    private readonly place: ProducerPlace,
  ) {
    this.#topic = partitionTopic(place.topic, place.partition);
    const signal = AbortSignal.timeout(source.timeoutMs);
    this.#options = source.ca === undefined ? { signal } : { signal, ca: source.ca };
  }

  async run(): Promise<number> {
    try {
      await this.#connectToOwner();
      return await this.#lastOf(this.#current());
    } finally {
      this.#connection?.close();
    }
  }

  named(error: unknown): unknown {
    const isKnown = error instanceof ProducerBusyError || error instanceof BrokerUnauthorizedError;
    if (isKnown || error instanceof BrokerUnavailableError) return error;
    const reason = error instanceof Error ? error.message : String(error);
    return new BrokerUnavailableError(this.source.serviceUrl, reason, error);
  }

  async #connectToOwner(): Promise<void> {
    await this.#connectToAny(addressesOf(this.source.serviceUrl));
    let isAuthoritative = false;
    for (let hops = 0; hops <= MAX_REDIRECTS; hops += 1) {
      const answer = await this.#request('lookup', (id) => [
        [1, this.#topic],
        [2, id],
        [3, isAuthoritative],
      ]);
      const url = textIn(answer, this.#isTls() ? 2 : 1) ?? '';
      isAuthoritative = numberIn(answer, 5, 0) === 1;
      if (numberIn(answer, 3, CONNECT_RESPONSE) !== CONNECT_RESPONSE) await this.#connect(addressOf(url));
      else return this.#connectTo(url, numberIn(answer, 8, 0) === 1);
    }
    throw new Error(`more than ${MAX_REDIRECTS} brokers in a row say that another has ${this.#topic}`);
  }

  async #connectTo(ownerUrl: string, isThroughProxy: boolean): Promise<void> {
    if (isThroughProxy) {
      const { host, port } = addressOf(ownerUrl);
      await this.#connectToAny(addressesOf(this.source.serviceUrl), `${host}:${port}`);
    } else await this.#connect(addressOf(ownerUrl));
  }

  async #connectToAny(addresses: readonly ProtocolAddress[], proxiedTo?: string): Promise<void> {
    let failure: unknown;
    for (const address of addresses) {
      try {
        return await this.#connect(address, proxiedTo);
      } catch (error) {
        failure = error;
      }
    }
    throw failure;
  }

  async #connect(address: ProtocolAddress, proxiedTo?: string): Promise<void> {
    this.#connection?.close();
    this.#connection = await ProtocolConnection.open(address, this.#options);
    const token = await this.source.token.token();
    const answer = await this.#connection.ask(
      'connect',
      [
        [1, 'millrace'],
        [3, token],
        [4, PROTOCOL_VERSION],
        [5, token === undefined ? undefined : 'token'],
        [6, proxiedTo],
      ],
      ['connected'],
    );
    this.#refuse(answer);
  }

  async #lastOf(connection: ProtocolConnection): Promise<number> {
    const producerId = 1;
    const fields = await this.#request('producer', (id) => [
      [1, this.#topic],
      [2, producerId],
      [3, id],
      [4, this.place.producerName],
    ]);
    // Awaited: else the client would find the name in use.
    await connection.ask(
      'closeProducer',
      [
        [1, producerId],
        [2, (this.#requests += 1)],
      ],
      ['success'],
    );
    return numberIn(fields, 3, -1);
  }

  async #request(
    command: 'lookup' | 'producer',
    fields: (id: number) => Parameters<ProtocolConnection['ask']>[1],
  ): Promise<Fields> {
    const id = (this.#requests += 1);
    const awaited = command === 'lookup' ? 'lookupResponse' : 'producerSuccess';
    return this.#refuse(await this.#current().ask(command, fields(id), [awaited]));
  }

  #refuse({ command, fields }: Answer): Fields {
    const isFailedLookup = command === COMMAND.lookupResponse && numberIn(fields, 6, -1) >= 0;
    if (command !== COMMAND.error && !isFailedLookup) return fields;
    const code = numberIn(fields, isFailedLookup ? 6 : 2, 0);
    const reason = textIn(fields, isFailedLookup ? 7 : 3) ?? `error ${code}`;
    const { topic, partition, producerName } = this.place;
    if (code === PRODUCER_BUSY) throw new ProducerBusyError(topic, partition, producerName);
    if (REFUSALS.has(code)) throw new BrokerUnauthorizedError(this.source.serviceUrl, reason);
    throw new BrokerUnavailableError(this.source.serviceUrl, reason);
  }

  #isTls(): boolean {
    return this.source.serviceUrl.startsWith('pulsar+ssl:');
  }

  #current(): ProtocolConnection {
    if (this.#connection === undefined) throw new Error('no connection');
    return this.#connection;
  }
}

const DEFAULT_PORT = 6650;
const DEFAULT_TLS_PORT = 6651;

/** Every host of `pulsar://a:6650,b:6650`. */
function addressesOf(serviceUrl: string): readonly ProtocolAddress[] {
  const [scheme = '', rest = ''] = serviceUrl.split('://');
  return (rest.split('/')[0] ?? '').split(',').map((host) => addressOf(`${scheme}://${host}`));
}

function addressOf(url: string): ProtocolAddress {
  const { protocol, hostname, port } = new URL(url);
  const isTls = protocol === 'pulsar+ssl:';
  const defaultPort = isTls ? DEFAULT_TLS_PORT : DEFAULT_PORT;
  return { host: hostname.replace(/^\[|\]$/g, ''), port: port === '' ? defaultPort : Number(port), isTls };
}
