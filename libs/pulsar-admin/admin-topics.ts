import type { AdminHttp, CallOptions } from './admin-http.js';
import { topicPath } from './topic-path.js';

/** An entry of a partition; `entryId` −1 stands before the first one of the ledger. */
export interface MessageId {
  readonly ledgerId: number;
  readonly entryId: number;
}

/** A subscription as the broker's statistics show it. */
export interface SubscriptionStats {
  /** Entries that are not acknowledged. */
  readonly msgBacklog: number;
  readonly type?: string;
  readonly consumers: readonly { readonly consumerName?: string; readonly connectedSince?: string }[];
}

/** What the broker counts of one partition. */
export interface TopicStats {
  readonly storageSize: number;
  readonly backlogSize: number;
  readonly msgInCounter: number;
  readonly deduplicationStatus?: string;
  readonly publishers: readonly { readonly producerName?: string }[];
  readonly subscriptions: Readonly<Record<string, SubscriptionStats>>;
}

/** How one partition is stored. */
export interface TopicInternalStats {
  readonly numberOfEntries: number;
  readonly totalSize: number;
  /** `ledgerId:entryId` */
  readonly lastConfirmedEntry: string;
  readonly ledgers: readonly { readonly ledgerId: number; readonly entries: number; readonly size: number }[];
  readonly cursors: Readonly<
    Record<string, { readonly markDeletePosition: string; readonly readPosition: string }>
  >;
}

/** Topics with partitions, and their partitions. Names are full ones: `persistent://tenant/namespace/topic`. */
export class AdminTopics {
  constructor(private readonly http: AdminHttp) {}

  /** @throws PulsarConflictError where it exists */
  async create(topic: string, partitions: number, options: CallOptions = {}): Promise<void> {
    const path = `${topicPath(topic)}/partitions`;
    await this.http.ask({ method: 'PUT', path, body: String(partitions), ...options });
  }

  /** How many partitions it has; 0: it exists without any; undefined: it does not exist. */
  async partitions(topic: string, options: CallOptions = {}): Promise<number | undefined> {
    // Else a broker that makes topics by itself would make it by being asked.
    const query = { checkAllowAutoCreation: false };
    const answer = await this.http.find({
      method: 'GET',
      path: `${topicPath(topic)}/partitions`,
      query,
      ...options,
    });
    return (answer as { partitions: number } | undefined)?.partitions;
  }

  /** With `force`, also while somebody is connected. @throws PulsarNotFoundError */
  async delete(topic: string, options: CallOptions & { readonly force?: boolean } = {}): Promise<void> {
    const { force = false, ...rest } = options;
    const path = `${topicPath(topic)}/partitions`;
    await this.http.ask({ method: 'DELETE', path, query: { force }, ...rest });
  }

  /** Topics with partitions in `tenant/namespace`, by their full names. @throws PulsarNotFoundError */
  async list(tenant: string, namespace: string, options: CallOptions = {}): Promise<readonly string[]> {
    const place = `${encodeURIComponent(tenant)}/${encodeURIComponent(namespace)}`;
    const paths = ['persistent', 'non-persistent'].map((domain) => `${domain}/${place}/partitioned`);
    const lists = await Promise.all(paths.map((path) => this.http.ask({ method: 'GET', path, ...options })));
    return lists.flat() as readonly string[];
  }

  /** @throws PulsarNotFoundError */
  async stats(topic: string, partition: number, options: CallOptions = {}): Promise<TopicStats> {
    const path = `${topicPath(topic, partition)}/stats`;
    return (await this.http.ask({ method: 'GET', path, ...options })) as TopicStats;
  }

  /** @throws PulsarNotFoundError */
  async internalStats(
    topic: string,
    partition: number,
    options: CallOptions = {},
  ): Promise<TopicInternalStats> {
    const path = `${topicPath(topic, partition)}/internalStats`;
    return (await this.http.ask({ method: 'GET', path, ...options })) as TopicInternalStats;
  }

  /** The last message that is stored in a partition; `entryId` −1 where there is none. @throws PulsarNotFoundError */
  async lastMessageId(topic: string, partition: number, options: CallOptions = {}): Promise<MessageId> {
    const path = `${topicPath(topic, partition)}/lastMessageId`;
    const { ledgerId, entryId } = (await this.http.ask({ method: 'GET', path, ...options })) as MessageId;
    return { ledgerId, entryId };
  }
}
