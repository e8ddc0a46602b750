import type { AdminHttp, AdminRequest, CallOptions } from './admin-http.js';
import type {
  BacklogQuota,
  BacklogQuotaKind,
  InactiveTopics,
  Policies,
  Retention,
  SchemaCompatibility,
} from './policies.js';

/** Where a level of policies keeps what, below its own path. */
interface Resources {
  readonly deduplication: string;
  /** As a topic or namespace takes its time to live: in the query or in the body. */
  readonly setTtl: (seconds: number) => Omit<AdminRequest, 'path'>;
}

const ON_TOPIC: Resources = {
  deduplication: 'deduplicationEnabled',
  setTtl: (messageTTL) => ({ method: 'POST', query: { messageTTL } }),
};
const ON_NAMESPACE: Resources = {
  deduplication: 'deduplication',
  setTtl: (seconds) => ({ method: 'POST', body: String(seconds) }),
};

/** What one topic or one namespace is set to. Only what it has of its own is written and removed here. */
export class AdminPolicies {
  private constructor(
    private readonly http: AdminHttp,
    private readonly path: string,
    private readonly resources: Resources,
  ) {}

  static ofTopic(http: AdminHttp, path: string): AdminPolicies {
    return new AdminPolicies(http, path, ON_TOPIC);
  }

  static ofNamespace(http: AdminHttp, path: string): AdminPolicies {
    return new AdminPolicies(http, path, ON_NAMESPACE);
  }

  /** What it has of its own; what is not set is absent. @throws PulsarNotFoundError */
  own(options: CallOptions = {}): Promise<Partial<Policies>> {
    return this.#read({ ...options });
  }

  /** What counts for a topic in the end: its own, else its namespace's, else the broker's. @throws PulsarNotFoundError */
  async applied(options: CallOptions = {}): Promise<Policies> {
    const found = await this.#read({ ...options, query: { applied: true } });
    return {
      retention: { retentionTimeInMinutes: 0, retentionSizeInMB: 0 },
      deduplication: false,
      messageTtlSeconds: 0,
      backlogQuotas: {},
      inactiveTopics: NEVER_DELETED,
      compactionThresholdBytes: 0,
      schemaCompatibility: 'UNDEFINED',
      ...found,
    };
  }

  async setRetention(retention: Retention, options: CallOptions = {}): Promise<void> {
    await this.#write('retention', { method: 'POST', body: JSON.stringify(retention), ...options });
  }

  async setDeduplication(isOn: boolean, options: CallOptions = {}): Promise<void> {
    await this.#write(this.resources.deduplication, { method: 'POST', body: String(isOn), ...options });
  }

  /** Seconds; 0: unread messages are kept. */
  async setMessageTtl(seconds: number, options: CallOptions = {}): Promise<void> {
    await this.#write('messageTTL', { ...this.resources.setTtl(seconds), ...options });
  }

  async setBacklogQuota(
    kind: BacklogQuotaKind,
    quota: BacklogQuota,
    options: CallOptions = {},
  ): Promise<void> {
    const query = { backlogQuotaType: kind };
    await this.#write('backlogQuota', { method: 'POST', query, body: JSON.stringify(quota), ...options });
  }

  async setInactiveTopics(inactive: InactiveTopics, options: CallOptions = {}): Promise<void> {
    const body = JSON.stringify(inactive);
    await this.#write('inactiveTopicPolicies', { method: 'POST', body, ...options });
  }

  /** Bytes; 0: never. */
  async setCompactionThreshold(bytes: number, options: CallOptions = {}): Promise<void> {
    const method = this.resources === ON_TOPIC ? 'POST' : 'PUT';
    await this.#write('compactionThreshold', { method, body: String(bytes), ...options });
  }

  async setSchemaCompatibility(compatibility: SchemaCompatibility, options: CallOptions = {}): Promise<void> {
    const body = JSON.stringify(compatibility);
    await this.#write('schemaCompatibilityStrategy', { method: 'PUT', body, ...options });
  }

  /** Takes its own value away, so that the level above counts again. Nothing happens where it has none. */
  async remove(policy: Exclude<keyof Policies, 'backlogQuotas'>, options: CallOptions = {}): Promise<void> {
    await this.#write(this.#resourceOf(policy), { method: 'DELETE', ...options });
  }

  /** The same for a backlog quota. */
  async removeBacklogQuota(kind: BacklogQuotaKind, options: CallOptions = {}): Promise<void> {
    await this.#write('backlogQuota', { method: 'DELETE', query: { backlogQuotaType: kind }, ...options });
  }

  #resourceOf(policy: Exclude<keyof Policies, 'backlogQuotas'>): string {
    return policy === 'deduplication' ? this.resources.deduplication : RESOURCES[policy];
  }

  async #write(resource: string, request: Omit<AdminRequest, 'path'>): Promise<void> {
    await this.http.ask({ ...request, path: `${this.path}/${resource}` });
  }

  async #read(how: Pick<AdminRequest, 'query' | 'signal'>): Promise<Partial<Policies>> {
    const get = (resource: string): Promise<unknown> =>
      this.http.ask({ method: 'GET', path: `${this.path}/${resource}`, ...how });
    const [retention, deduplication, messageTtlSeconds, quotas, inactiveTopics, compaction, schema] =
      await Promise.all([
        get(RESOURCES.retention),
        get(this.resources.deduplication),
        get(RESOURCES.messageTtlSeconds),
        get('backlogQuotaMap'),
        get(RESOURCES.inactiveTopics),
        get(RESOURCES.compactionThresholdBytes),
        get(RESOURCES.schemaCompatibility),
      ]);
    return withoutUndefined({
      retention: retention as Retention | undefined,
      deduplication: deduplication as boolean | undefined,
      messageTtlSeconds: messageTtlSeconds as number | undefined,
      backlogQuotas: quotas as Policies['backlogQuotas'] | undefined,
      inactiveTopics: inactiveTopics as InactiveTopics | undefined,
      compactionThresholdBytes: compaction as number | undefined,
      schemaCompatibility: schema as SchemaCompatibility | undefined,
    });
  }
}

const RESOURCES = {
  retention: 'retention',
  messageTtlSeconds: 'messageTTL',
  inactiveTopics: 'inactiveTopicPolicies',
  compactionThresholdBytes: 'compactionThreshold',
  schemaCompatibility: 'schemaCompatibilityStrategy',
} as const;

const NEVER_DELETED: InactiveTopics = {
  inactiveTopicDeleteMode: 'delete_when_no_subscriptions',
  maxInactiveDurationSeconds: 0,
  deleteWhileInactive: false,
};

type Present<T> = { [K in keyof T]?: Exclude<T[K], undefined> };

function withoutUndefined<T extends object>(fields: T): Present<T> {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as Present<T>;
}
