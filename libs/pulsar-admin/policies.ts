/** How long and how much is kept after every subscription has acknowledged it. */
export interface Retention {
  /** Minutes; −1: for ever; 0: not at all. */
  readonly retentionTimeInMinutes: number;
  /** Mebibytes; −1: without bound; 0: nothing. */
  readonly retentionSizeInMB: number;
}

/** What happens when unacknowledged messages reach a bound. */
export interface BacklogQuota {
  /** Bytes; −1: no bound. */
  readonly limitSize: number;
  /** Seconds; −1: no bound. */
  readonly limitTime: number;
  /** `consumer_backlog_eviction` throws unread messages away; the others refuse or hold producers. */
  readonly policy: 'producer_request_hold' | 'producer_exception' | 'consumer_backlog_eviction';
}

export type BacklogQuotaKind = 'destination_storage' | 'message_age';

/** Whether the broker removes topics that nobody uses. */
export interface InactiveTopics {
  readonly inactiveTopicDeleteMode: 'delete_when_no_subscriptions' | 'delete_when_subscriptions_caught_up';
  readonly maxInactiveDurationSeconds: number;
  readonly deleteWhileInactive: boolean;
}

/** When the registry takes a new version of a schema. */
export type SchemaCompatibility =
  | 'UNDEFINED'
  | 'ALWAYS_INCOMPATIBLE'
  | 'ALWAYS_COMPATIBLE'
  | 'BACKWARD'
  | 'FORWARD'
  | 'FULL'
  | 'BACKWARD_TRANSITIVE'
  | 'FORWARD_TRANSITIVE'
  | 'FULL_TRANSITIVE';

/**
 * The settings that a namespace and a topic have in common. A topic without a value has its namespace's, a namespace
 * without one the broker's.
 */
export interface Policies {
  readonly retention: Retention;
  readonly deduplication: boolean;
  /** Seconds after which unread messages count as read; 0: never. */
  readonly messageTtlSeconds: number;
  readonly backlogQuotas: Readonly<Partial<Record<BacklogQuotaKind, BacklogQuota>>>;
  readonly inactiveTopics: InactiveTopics;
  /** Bytes of backlog that start a compaction; 0: never. */
  readonly compactionThresholdBytes: number;
  readonly schemaCompatibility: SchemaCompatibility;
}
