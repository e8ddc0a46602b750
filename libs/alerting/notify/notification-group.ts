import { murmur3 } from '#libs/kernel';
import type { AlertEvent } from '../alert-event.js';
import type { NotificationSettings } from '../alert-policy.js';
import { isAlerting } from '../alert-state.js';
import { MAX_NOTIFIED_ALERTS, type Notification } from './notification.js';

// A group of alerts that are told together, by the wall clock:
//
//     alerts      A fires      B fires            A ends            B ends
//     told           |-groupWait->[A]  |-groupInterval->[A B]  |->[B, A ended] |->[B ended]
//     and again every repeatInterval, while any fires and nothing else has been told
//
// G1. An end is told once, and only of what was told as firing.
// G2. Who is held back (silenced, inhibited, in maintenance) is not told as firing; when the hold ends and it still
//     fires, it is.

/** One alert of a group; plain JSON. */
export interface GroupMember {
  readonly event: AlertEvent;
  /** It was told as firing, and not yet as ended. */
  readonly isTold?: true;
  /** … and as flapping. */
  readonly isFlappingTold?: true;
}

/** What is remembered of a group beside its members; plain JSON. Times are wall clock, epoch milliseconds. */
export interface NotificationGroup {
  readonly labels: Readonly<Record<string, string>>;
  readonly createdMs: number;
  /** Number of its next notification. */
  readonly sequence: number;
  readonly dueMs: number;
  readonly toldMs?: number;
}

/** By fingerprint. */
export type GroupMembers = ReadonlyMap<string, GroupMember>;

/** A new group, for its first alert. */
export function newGroup(
  labels: NotificationGroup['labels'],
  nowMs: number,
  { groupWaitMs }: NotificationSettings,
): NotificationGroup {
  return { labels, createdMs: nowMs, sequence: 0, dueMs: nowMs + groupWaitMs };
}

/**
 * What a member is behind what became of its alert; undefined: none. What ended before anybody was told of it leaves no
 * trace.
 */
export function memberAfter(known: GroupMember | undefined, event: AlertEvent): GroupMember | undefined {
  if (isAlerting(event.status)) return { ...known, event };
  if (known?.isTold !== true) return undefined;
  // It has ended before, and is not firing yet again: the end that is still to be told stands.
  if (!isAlerting(known.event.status)) return known;
  const resolvedAt = event.resolvedAt ?? event.since;
  return { ...known, event: { ...event, status: 'resolved', resolvedAt } };
}

export interface Flushed {
  readonly group: NotificationGroup;
  /** Those that are left; as they were, where nothing has changed. */
  readonly members: GroupMembers;
  /** Undefined: there is nothing to say. */
  readonly notification: Notification | undefined;
}

interface FlushContext {
  readonly pipeline: string;
  readonly nowMs: number;
  readonly settings: NotificationSettings;
  readonly isHeldBack: (event: AlertEvent) => boolean;
}

/** What a group says when it is due. */
export function flushGroup(group: NotificationGroup, all: GroupMembers, context: FlushContext): Flushed {
  const members = [...all];
  const firing = members.filter(([, { event }]) => isAlerting(event.status) && !context.isHeldBack(event));
  const ended = members.filter(([, { event, isTold }]) => !isAlerting(event.status) && isTold === true);
  const isNews =
    ended.length > 0 ||
    firing.some(
      ([, { event, isTold, isFlappingTold }]) =>
        isTold !== true || (event.flapping === true && isFlappingTold !== true),
    );
  const isRepeat =
    firing.length > 0 && context.nowMs - (group.toldMs ?? -Infinity) >= context.settings.repeatIntervalMs;
  const left = stay(members, new Set(firing.map(([fingerprint]) => fingerprint)), isNews || isRepeat);
  const next = { ...group, dueMs: context.nowMs + context.settings.groupIntervalMs };
  if (!isNews && !isRepeat) return { group: next, members: left, notification: undefined };
  const alerts = [...firing, ...ended].map(([, { event }]) => event);
  return {
    group: { ...next, toldMs: context.nowMs, sequence: group.sequence + 1 },
    members: left,
    notification: notificationOf(group, alerts, { ...context, reason: isNews ? 'changed' : 'repeat' }),
  };
}

function stay(
  members: readonly (readonly [string, GroupMember])[],
  firing: ReadonlySet<string>,
  isTelling: boolean,
): GroupMembers {
  const left = members.flatMap(([fingerprint, member]): [string, GroupMember][] => {
    if (!isAlerting(member.event.status)) return [];
    if (!isTelling || !firing.has(fingerprint)) return [[fingerprint, member]];
    const flapping = member.event.flapping === true ? { isFlappingTold: true as const } : {};
    const isTold = member.isTold === true && member.isFlappingTold === flapping.isFlappingTold;
    return [[fingerprint, isTold ? member : { event: member.event, isTold: true, ...flapping }]];
  });
  return new Map(left);
}

function notificationOf(
  group: NotificationGroup,
  alerts: readonly AlertEvent[],
  { pipeline, nowMs, reason }: FlushContext & { readonly reason: Notification['reason'] },
): Notification {
  const key = groupKeyOf(group.labels);
  return {
    id: `${pipeline}-${groupHash(pipeline, key)}-${group.createdMs}/${group.sequence}`,
    pipeline,
    groupKey: key,
    groupLabels: group.labels,
    status: alerts.some(({ status }) => isAlerting(status)) ? 'firing' : 'resolved',
    reason,
    at: new Date(nowMs).toISOString(),
    alerts: alerts.slice(0, MAX_NOTIFIED_ALERTS),
    truncatedAlerts: Math.max(0, alerts.length - MAX_NOTIFIED_ALERTS),
  };
}

/** `rule="high-error-ratio", stream="demo"` */
export function groupKeyOf(labels: NotificationGroup['labels']): string {
  return Object.entries(labels)
    .map(([name, value]) => `${name}=${JSON.stringify(value)}`)
    .join(', ');
}

function groupHash(pipeline: string, key: string): string {
  return [0x0, 0x9747b28c]
    .map((seed) => murmur3(`${pipeline}/${key}`, seed).toString(16).padStart(8, '0'))
    .join('');
}
