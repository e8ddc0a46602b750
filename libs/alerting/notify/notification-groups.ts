import type { JsonObject, JsonValue } from '#libs/kernel';
import type { AlertEvent } from '../alert-event.js';
import type { AlertPolicy } from '../alert-policy.js';
import { isAlerting } from '../alert-state.js';
import { inhibitorsOf } from '../noise/inhibition.js';
import { maintenanceOf } from '../noise/maintenance.js';
import { type Silence, silencesOf } from '../noise/silence.js';
import { groupLabelsOf, type Notification } from './notification.js';
import { flushGroup, groupKeyOf, newGroup, type NotificationGroup, withEvent } from './notification-group.js';

/** Beyond so many, alerts share one group: a key with many values must not fill the memory. */
const MAX_GROUPS = 1_000;
const OTHER = '__other__';
/** Members of a group; the firing of further ones is told by `truncatedAlerts` only while they are there. */
const MAX_MEMBERS = 1_000;

/** All groups of a pipeline, and when each speaks. */
export class NotificationGroups {
  readonly #groups = new Map<string, NotificationGroup>();
  readonly #changed = new Set<string>();
  /** Alerts that were not taken into a full group. */
  refused = 0;

  constructor(
    private readonly pipeline: string,
    private readonly policy: AlertPolicy,
  ) {}

  load(key: string, value: JsonValue): void {
    this.#groups.set(key, value as unknown as NotificationGroup);
  }

  /** A transition that was told on `alerts`. What is history, or never gets to fire, notifies nobody. */
  take(event: AlertEvent, nowMs: number): void {
    const key = this.#keyOf(event);
    const group = this.#groups.get(key);
    const isKnown = group?.members[event.fingerprint] !== undefined;
    if (event.historical === true && !isKnown) return;
    if (!isAlerting(event.status) && !isKnown) return;
    const labels = key === OTHER ? { group: OTHER } : groupLabelsOf(event, this.policy.notifications.groupBy);
    const into = group ?? newGroup(labels, nowMs, this.policy.notifications);
    if (!isKnown && Object.keys(into.members).length >= MAX_MEMBERS) {
      this.refused++;
      return;
    }
    this.#put(key, withEvent(into, event));
  }

  /** What is due now. */
  flush(nowMs: number, silences: readonly Silence[]): readonly Notification[] {
    const due = [...this.#groups].filter(([, { dueMs }]) => dueMs <= nowMs);
    if (due.length === 0) return [];
    const isHeldBack = this.#heldBack(nowMs, silences);
    return due.flatMap(([key, group]) => {
      const { notifications: settings } = this.policy;
      const flushed = flushGroup(group, { pipeline: this.pipeline, nowMs, settings, isHeldBack });
      this.#put(key, flushed.group);
      return flushed.notification === undefined ? [] : [flushed.notification];
    });
  }

  /** The alerts that fire, as far as they are told of. */
  firing(): readonly AlertEvent[] {
    return [...this.#groups.values()].flatMap(({ members }) =>
      Object.values(members).flatMap(({ event }) => (isAlerting(event.status) ? [event] : [])),
    );
  }

  /** When the next group speaks; Infinity: there is none. */
  get nextDueMs(): number {
    let nextMs = Infinity;
    for (const { dueMs } of this.#groups.values()) nextMs = Math.min(nextMs, dueMs);
    return nextMs;
  }

  *changes(): Iterable<readonly [key: string, value: JsonValue | undefined]> {
    const keys = [...this.#changed];
    this.#changed.clear();
    for (const key of keys) yield [key, this.#groups.get(key) as unknown as JsonObject | undefined];
  }

  *all(): Iterable<readonly [key: string, value: JsonValue]> {
    for (const [key, group] of this.#groups) yield [key, group as unknown as JsonObject];
  }

  #heldBack(nowMs: number, silences: readonly Silence[]): (event: AlertEvent) => boolean {
    const firing = this.firing();
    const { inhibit, maintenance } = this.policy;
    return (event) =>
      silencesOf(silences, event, nowMs).length > 0 ||
      maintenanceOf(maintenance, event, nowMs).length > 0 ||
      inhibitorsOf(inhibit, event, firing).length > 0;
  }

  #put(key: string, group: NotificationGroup | undefined): void {
    if (group === undefined || Object.keys(group.members).length === 0) this.#groups.delete(key);
    else this.#groups.set(key, group);
    this.#changed.add(key);
  }

  #keyOf(event: AlertEvent): string {
    const key = groupKeyOf(groupLabelsOf(event, this.policy.notifications.groupBy));
    return this.#groups.has(key) || this.#groups.size < MAX_GROUPS ? key : OTHER;
  }
}
