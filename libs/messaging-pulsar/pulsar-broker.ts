import { readFileSync } from 'node:fs';
import type { Clock } from '#libs/kernel';
import {
  type BrokerCapabilities,
  ClosedError,
  type ConsumerOptions,
  MessageBroker,
  type MessageConsumer,
  type MessageProducer,
  type MessageReader,
  type ProducerOptions,
  type ReaderOptions,
  type SubscriptionSpec,
  TopicMismatchError,
  TopicMissingError,
  type TopicSpec,
} from '#libs/messaging';
import type { Telemetry } from '#libs/observability';
import {
  ignoringConflict,
  NO_TOKEN,
  parseTopic,
  PulsarAdmin,
  TopicKeeper,
  type TokenSource,
} from '#libs/pulsar-admin';
import { BrokerDialogue, type BrokerSource } from './broker-dialogue.js';
import { lastSequenceId } from './last-sequence-id.js';
import { loadPulsarClient } from './load-pulsar-client.js';
import type { NativeClientOptions, NativeModule } from './native-client.js';
import { PulsarConsumer } from './pulsar-consumer.js';
import { PulsarProducer } from './pulsar-producer.js';
import { PulsarReader } from './pulsar-reader.js';
import type { PulsarSession } from './pulsar-session.js';

export interface PulsarBrokerOptions {
  /** `pulsar://host:6650` or `pulsar+ssl://host:6651`; several hosts with commas between. */
  readonly serviceUrl: string;
  /** The REST address of the same broker: `http://host:8080`. */
  readonly adminUrl: string;
  /** Default: none. */
  readonly token?: TokenSource;
  /** A PEM file of the authorities to trust for `pulsar+ssl`. Default: those that Node trusts. */
  readonly caFile?: string;
  /** How long topics keep what everybody has acknowledged, unless they say otherwise. Default: 7 days. */
  readonly retentionMs?: number;
  readonly clock: Clock;
  readonly telemetry: Telemetry;
}

/** How long a call to the broker may take, connecting included. */
const OPERATION_TIMEOUT_MS = 30_000;
const HEALTH_TIMEOUT_MS = 5_000;
const CONNECTION_TIMEOUT_MS = 10_000;
const LOG_WARNINGS = 2;

/** Pulsar through its native client, npm's pulsar-client. */
export class PulsarBroker extends MessageBroker {
  readonly capabilities: BrokerCapabilities = { durable: true, shared: true };
  readonly #session: PulsarSession;
  readonly #keeper: TopicKeeper;
  readonly #opened = new Set<{ close(): Promise<void> }>();
  /** Partitions by topic: fixed once one is made. */
  readonly #partitions = new Map<string, number>();
  readonly #ca: Buffer | undefined;
  #isClosed = false;

  private constructor(
    private readonly options: PulsarBrokerOptions,
    { Client, MessageId, AuthenticationToken }: NativeModule,
  ) {
    super();
    const { serviceUrl, adminUrl: address, clock, retentionMs, token = NO_TOKEN } = options;
    const admin = new PulsarAdmin({ address, token });
    this.#ca = options.caFile === undefined ? undefined : readFileSync(options.caFile);
    const client = new Client(clientOptions(options, AuthenticationToken));
    const forget = (closed: object): void => void this.#opened.delete(closed as MessageProducer);
    this.#session = { client, messageIds: MessageId, admin, clock, serviceUrl, forget };
    this.#keeper = new TopicKeeper(admin, { clock, ...(retentionMs === undefined ? {} : { retentionMs }) });
  }

  /**
   * Needs no broker yet: that is asked by the first call.
   *
   * @throws PulsarClientMissingError where the native client can't be loaded
   */
  static async open(options: PulsarBrokerOptions): Promise<PulsarBroker> {
    return new PulsarBroker(options, await loadPulsarClient(options.serviceUrl));
  }

  async ensureTopic(spec: TopicSpec): Promise<void> {
    this.#throwIfClosed();
    await this.#keeper.apply(spec);
  }

  async partitionsOf(topic: string): Promise<number | undefined> {
    this.#throwIfClosed();
    return await this.#session.admin.topics.partitions(topic);
  }

  async ensureSubscription({ topic, subscription, from }: SubscriptionSpec): Promise<void> {
    if (parseTopic(topic).domain !== 'persistent')
      throw new TopicMismatchError(topic, 'persistence', 'none', 'one, to have subscriptions');
    const partitions = (await this.partitionsOf(topic)) ?? 0;
    if (partitions === 0) throw new TopicMissingError(topic, 0);
    const { subscriptions } = this.#session.admin;
    for (let partition = 0; partition < partitions; partition += 1)
      await ignoringConflict(subscriptions.create({ topic, partition, subscription }, from));
  }

  async openProducer(options: ProducerOptions): Promise<MessageProducer> {
    await this.#throwIfMissing(options);
    const last = await this.#lastSequenceId(options);
    return this.#keep(await PulsarProducer.open(this.#session, { ...options, lastSequenceId: last }));
  }

  async openConsumer(options: ConsumerOptions): Promise<MessageConsumer> {
    await this.#throwIfMissing(options);
    return this.#keep(await PulsarConsumer.open(this.#session, options));
  }

  async openReader(options: ReaderOptions): Promise<MessageReader> {
    await this.#throwIfMissing(options);
    return this.#keep(await PulsarReader.open(this.#session, options));
  }

  async checkHealth(): Promise<void> {
    this.#throwIfClosed();
    // Either way in: messages go by the one, topics and backlogs are asked by the other.
    const probe = BrokerDialogue.hold(this.#source(HEALTH_TIMEOUT_MS), () => Promise.resolve());
    await Promise.all([probe, this.#session.admin.version()]);
  }

  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    await Promise.all([...this.#opened].map((each) => each.close()));
    await this.#session.client.close().catch(() => undefined);
  }

  /** Also what is opened while the broker closes is closed. */
  async #keep<T extends { close(): Promise<void> }>(opened: T): Promise<T> {
    if (this.#isClosed) {
      await opened.close();
      this.#throwIfClosed();
    }
    this.#opened.add(opened);
    return opened;
  }

  async #lastSequenceId({ topic, partition, producerName }: ProducerOptions): Promise<number> {
    if (parseTopic(topic).domain !== 'persistent') return -1;
    return lastSequenceId(this.#source(OPERATION_TIMEOUT_MS), { topic, partition, producerName });
  }

  #source(timeoutMs: number): BrokerSource {
    const { serviceUrl, token = NO_TOKEN } = this.options;
    return { serviceUrl, token, timeoutMs, ...(this.#ca === undefined ? {} : { ca: this.#ca }) };
  }

  async #throwIfMissing({ topic, partition }: { topic: string; partition: number }): Promise<void> {
    this.#throwIfClosed();
    let partitions = this.#partitions.get(topic);
    if (partitions === undefined) {
      partitions = await this.#session.admin.topics.partitions(topic);
      if (partitions !== undefined) this.#partitions.set(topic, partitions);
    }
    if (partition >= (partitions ?? 0)) throw new TopicMissingError(topic, partition);
  }

  #throwIfClosed(): void {
    if (this.#isClosed) throw new ClosedError(`the connection to ${this.options.serviceUrl}`);
  }
}

function clientOptions(
  options: PulsarBrokerOptions,
  AuthenticationToken: NativeModule['AuthenticationToken'],
): NativeClientOptions {
  const { serviceUrl, token, caFile, telemetry } = options;
  return {
    serviceUrl,
    operationTimeoutSeconds: OPERATION_TIMEOUT_MS / 1_000,
    connectionTimeoutMs: CONNECTION_TIMEOUT_MS,
    tlsValidateHostname: true,
    logLevel: LOG_WARNINGS,
    log: (_level, file, line, message) => telemetry.logger.debug({ file, line }, message),
    // Asked for each connection, so a token that was renewed is used from the next one on.
    ...(token === undefined
      ? {}
      : { authentication: new AuthenticationToken({ token: async () => (await token.token()) ?? '' }) }),
    ...(caFile === undefined ? {} : { tlsTrustCertsFilePath: caFile }),
  };
}
