import { formatDuration } from '#libs/kernel';
import type { CallOptions } from './admin-http.js';
import type { AdminPolicies } from './admin-policies.js';
import type { BacklogQuota, BacklogQuotaKind, InactiveTopics, Policies, Retention } from './policies.js';

/** One setting that differs, and how it is put right. */
export interface SettingRepair {
  readonly setting: string;
  readonly found: string;
  readonly wanted: string;
  readonly apply: (policies: AdminPolicies, options: CallOptions) => Promise<void>;
}

/** What a persistent topic of Millrace must be set to. */
export interface WantedSettings {
  /** At least so long, whatever everybody has acknowledged; 0: it need not be kept. */
  readonly retentionMs: number;
}

const MINUTE_MS = 60_000;
/** The broker looks for topics to remove at this pace by default. It has to be above 0 also where it removes nothing. */
const INACTIVE_SECONDS = 60;

/**
 * Whatever of a topic's settings could lose messages or store one twice, in the order in which it is put right.
 * More than is wanted is fine: a longer retention is somebody's decision, a bound of its size too.
 */
export function settingRepairs(applied: Policies, wanted: WantedSettings): readonly SettingRepair[] {
  return [
    deduplicationRepair(applied.deduplication),
    ttlRepair(applied.messageTtlSeconds),
    ...Object.entries(applied.backlogQuotas).map(([kind, quota]) =>
      evictionRepair(kind as BacklogQuotaKind, quota),
    ),
    inactiveRepair(applied.inactiveTopics),
    compactionRepair(applied.compactionThresholdBytes),
    retentionRepair(applied.retention, wanted.retentionMs),
  ].filter((repair) => repair !== undefined);
}

function deduplicationRepair(isOn: boolean): SettingRepair | undefined {
  if (isOn) return undefined;
  return {
    setting: 'deduplication',
    found: 'off',
    wanted: 'on',
    apply: (policies, options) => policies.setDeduplication(true, options),
  };
}

function ttlRepair(seconds: number): SettingRepair | undefined {
  if (seconds <= 0) return undefined;
  return {
    setting: 'message TTL',
    found: formatDuration(seconds * 1_000),
    wanted: 'none: unread messages are kept',
    apply: (policies, options) => policies.setMessageTtl(0, options),
  };
}

function evictionRepair(kind: BacklogQuotaKind, quota: BacklogQuota): SettingRepair | undefined {
  const limit = kind === 'message_age' ? quota.limitTime : quota.limitSize;
  if (quota.policy !== 'consumer_backlog_eviction' || limit < 0) return undefined;
  const bound = kind === 'message_age' ? formatDuration(limit * 1_000) : `${limit} bytes`;
  return {
    setting: `backlog quota (${kind})`,
    found: `consumer_backlog_eviction at ${bound}: unread messages are thrown away`,
    wanted: 'producer_exception',
    // The bound stays: it is somebody's. What happens there changes.
    apply: (policies, options) =>
      policies.setBacklogQuota(kind, { ...boundOf(quota), policy: 'producer_exception' }, options),
  };
}

function boundOf({ limitSize, limitTime }: BacklogQuota): Omit<BacklogQuota, 'policy'> {
  return { limitSize, limitTime };
}

function inactiveRepair(inactive: InactiveTopics): SettingRepair | undefined {
  if (!inactive.deleteWhileInactive) return undefined;
  const after = formatDuration(inactive.maxInactiveDurationSeconds * 1_000);
  return {
    setting: 'inactive topics',
    found: `removed after ${after} (${inactive.inactiveTopicDeleteMode})`,
    wanted: 'kept',
    apply: (policies, options) =>
      policies.setInactiveTopics(
        {
          inactiveTopicDeleteMode: 'delete_when_no_subscriptions',
          maxInactiveDurationSeconds: INACTIVE_SECONDS,
          deleteWhileInactive: false,
        },
        options,
      ),
  };
}

function compactionRepair(bytes: number): SettingRepair | undefined {
  if (bytes <= 0) return undefined;
  return {
    setting: 'compaction',
    found: `at ${bytes} bytes: a reader may get the last message of a key alone`,
    wanted: 'never',
    apply: (policies, options) => policies.setCompactionThreshold(0, options),
  };
}

function retentionRepair(retention: Retention, wantedMs: number): SettingRepair | undefined {
  const wantedMinutes = Math.ceil(wantedMs / MINUTE_MS);
  if (isKept(retention, wantedMinutes)) return undefined;
  return {
    setting: 'retention',
    found: describeRetention(retention),
    wanted: `${formatDuration(wantedMs)} or longer`,
    apply: (policies, options) =>
      policies.setRetention({ retentionTimeInMinutes: wantedMinutes, retentionSizeInMB: -1 }, options),
  };
}

function isKept({ retentionTimeInMinutes, retentionSizeInMB }: Retention, wantedMinutes: number): boolean {
  if (wantedMinutes === 0) return true;
  if (retentionSizeInMB === 0) return false;
  return retentionTimeInMinutes < 0 || retentionTimeInMinutes >= wantedMinutes;
}

function describeRetention({ retentionTimeInMinutes, retentionSizeInMB }: Retention): string {
  if (retentionTimeInMinutes === 0 || retentionSizeInMB === 0) return 'none';
  const time = retentionTimeInMinutes < 0 ? 'for ever' : formatDuration(retentionTimeInMinutes * MINUTE_MS);
  return retentionSizeInMB < 0 ? time : `${time}, at most ${retentionSizeInMB} MiB`;
}
