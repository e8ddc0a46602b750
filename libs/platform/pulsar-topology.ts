import { type Clock, PlatformError, type RetryAdvice } from '#libs/kernel';
import {
  BrokerUnavailableError,
  FileTokenSource,
  ignoringConflict,
  PulsarAdmin,
  PulsarNotFoundError,
  type TopicDifference,
  TopicKeeper,
  type WantedTopic,
} from '#libs/pulsar-admin';
import { defaultAdminAddress } from './adapter-address.js';
import type { Configuration } from './configuration.js';
import { trustAlso } from './trusted-certificates.js';

/** One thing that is not as wanted, in a line. */
export function describeDifference({ topic, setting, found, wanted, isFixed }: TopicDifference): string {
  const hint = isFixed ? ' (fixed once a topic is made)' : '';
  return `${topic}: ${setting}: found ${found}, wanted ${wanted}${hint}`;
}

/** Topics that are not as wanted: starting on them could lose events, or count them twice. */
export class TopologyMismatchError extends PlatformError {
  readonly code = 'TOPOLOGY_MISMATCH';
  readonly retry: RetryAdvice = 'never';
  constructor(
    address: string,
    readonly differences: readonly TopicDifference[],
  ) {
    const lines = differences.map((each) => `  ${describeDifference(each)}`);
    super(
      [
        `the topics on ${address} are not as wanted:`,
        ...lines,
        differences.some(({ isFixed }) => isFixed)
          ? 'Partitions can not be changed: name another namespace (MILLRACE_NAMESPACE), or let the pipeline have as many.'
          : '`millrace topology apply`, or a start with --apply-topology, puts it right.',
      ].join('\n'),
      { context: { address, differences } },
    );
  }
}

/** What pipelines need of a Pulsar: tenant, namespace, topics with their settings. */
export class PulsarTopology {
  readonly #keeper: TopicKeeper;
  readonly #tenant: string;
  readonly #namespace: string;

  constructor(
    private readonly admin: PulsarAdmin,
    { values }: Configuration,
    clock: Clock,
  ) {
    this.#keeper = new TopicKeeper(admin, { clock, retentionMs: values.brokerRetentionMs });
    this.#tenant = values.tenant;
    this.#namespace = values.namespace;
  }

  /** Undefined where the configuration names no Pulsar. */
  static of(configuration: Configuration, clock: Clock): PulsarTopology | undefined {
    const { broker, brokerAdmin, brokerTokenFile, brokerCaFile } = configuration.values;
    if (broker.kind === 'embedded') return undefined;
    if (brokerCaFile !== undefined) trustAlso(brokerCaFile);
    const admin = new PulsarAdmin({
      address: brokerAdmin ?? defaultAdminAddress(broker),
      ...(brokerTokenFile === undefined ? {} : { token: new FileTokenSource(brokerTokenFile) }),
    });
    return new PulsarTopology(admin, configuration, clock);
  }

  get address(): string {
    return this.admin.address;
  }

  /** What is not as wanted. Changes nothing. */
  async differences(topics: readonly WantedTopic[]): Promise<readonly TopicDifference[]> {
    const found = await Promise.all(topics.map((topic) => this.#keeper.differences(topic)));
    const differences = found.flat();
    // Who may read topics alone need not be able to see tenants: they are looked at where something is missing.
    const isMissing = differences.some(({ setting }) => setting === 'topic');
    return isMissing ? [...(await this.#placeDifferences()), ...differences] : differences;
  }

  /**
   * Makes what is missing and puts right what differs; says what it did.
   *
   * @throws TopologyMismatchError where a topic has another number of partitions; nothing is changed then
   */
  async apply(topics: readonly WantedTopic[]): Promise<readonly TopicDifference[]> {
    const differences = await this.differences(topics);
    const fixed = differences.filter(({ isFixed }) => isFixed);
    if (fixed.length > 0) throw new TopologyMismatchError(this.address, fixed);
    await this.#makePlace(differences);
    const changed = new Set(differences.map(({ topic }) => topic));
    const concerned = topics.filter(({ name }) => changed.has(name));
    await Promise.all(concerned.map((topic) => this.#keeper.apply(topic)));
    return differences;
  }

  async #placeDifferences(): Promise<readonly TopicDifference[]> {
    const place = `${this.#tenant}/${this.#namespace}`;
    const namespaces = await this.admin.tenants.namespaces(this.#tenant).catch((error: unknown) => {
      if (error instanceof PulsarNotFoundError) return undefined;
      throw error;
    });
    const namespace = missing(place, 'namespace');
    if (namespaces === undefined) return [missing(this.#tenant, 'tenant'), namespace];
    return namespaces.includes(place) ? [] : [namespace];
  }

  /** Every Pulsar has some: where there is not even a list, something else answers. */
  async #clusters(): Promise<readonly string[]> {
    return await this.admin.tenants.clusters().catch((error: unknown) => {
      if (!(error instanceof PulsarNotFoundError)) throw error;
      const reason =
        "what answers has no /admin/v2/clusters: that is not Pulsar's REST API (MILLRACE_BROKER_ADMIN)";
      throw new BrokerUnavailableError(this.address, reason, error);
    });
  }

  async #makePlace(differences: readonly TopicDifference[]): Promise<void> {
    const { tenants } = this.admin;
    if (differences.some(({ setting }) => setting === 'tenant')) {
      const clusters = (await this.#clusters()).filter((name) => name !== 'global');
      await ignoringConflict(tenants.create(this.#tenant, clusters));
    }
    if (differences.some(({ setting }) => setting === 'namespace')) {
      await ignoringConflict(tenants.createNamespace(this.#tenant, this.#namespace));
    }
  }
}

function missing(what: string, setting: 'tenant' | 'namespace'): TopicDifference {
  return { topic: what, setting, found: 'none', wanted: what, isFixed: false };
}
