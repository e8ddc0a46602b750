import type { JsonValue } from '#libs/kernel';
import type { AlertEvent } from '../alert-event.js';
import type { AlertPolicy } from '../alert-policy.js';
import { isAlerting } from '../alert-state.js';
import { inhibitorsOf } from '../noise/inhibition.js';
import { maintenanceOf } from '../noise/maintenance.js';
import { type Silence, silencesOf } from '../noise/silence.js';
import { GroupBook } from './group-book.js';
import { groupLabelsOf, type Notification } from './notification.js';
import { flushGroup, groupKeyOf, memberAfter, newGroup } from './notification-group.js';

/** Beyond so many, alerts share one group: a key with many values must not fill the memory. */
const MAX_GROUPS = 1_000;
const OTHER = '__other__';
/** Members of a group; the firing of further ones is told by `truncatedAlerts` only while they are there. */
const MAX_MEMBERS = 1_000;

/** All groups of a pipeline, and when each speaks. */
export class NotificationGroups {
  readonly #book = new GroupBook();
  /** Alerts that were not taken into a full group. */
  refused = 0;

  constructor(
    private readonly pipeline: string,
    private readonly policy: AlertPolicy,
  ) {}

  /** Takes a cell of the state. False: it is none of its own. */
  load(name: string, value: JsonValue): boolean {
    return this.#book.load(name, value);
  }

  /** A transition that was told on `alerts`. What is history, or never gets to fire, notifies nobody. */
  take(event: AlertEvent, nowMs: number): void {
    const key = this.#keyOf(event);
    const { fingerprint, historical, status } = event;
    const members = this.#book.members(key);
    const known = members.get(fingerprint);
    if (known === undefined && (historical === true || !isAlerting(status))) return;
    if (known === undefined && members.size >= MAX_MEMBERS) {
      this.refused++;
      return;
    }
    if (!this.#book.has(key)) this.#open(key, event, nowMs);
    this.#book.putMember(key, fingerprint, memberAfter(known, event));
    this.#book.removeIfEmpty(key);
  }

  /** What is due now. */
  flush(nowMs: number, silences: readonly Silence[]): readonly Notification[] {
    const due = [...this.#book.heads()].filter(([, { dueMs }]) => dueMs <= nowMs);
    if (due.length === 0) return [];
    const isHeldBack = this.#heldBack(nowMs, silences);
    const { notifications: settings } = this.policy;
    return due.flatMap(([key, head]) => {
      const before = this.#book.members(key);
      const context = { pipeline: this.pipeline, nowMs, settings, isHeldBack };
      const { group, members, notification } = flushGroup(head, before, context);
      this.#book.putHead(key, group);
      for (const fingerprint of [...before.keys()])
        this.#book.putMember(key, fingerprint, members.get(fingerprint));
      this.#book.removeIfEmpty(key);
      return notification === undefined ? [] : [notification];
    });
  }

  /** The alerts that fire, as far as they are told of. */
  firing(): readonly AlertEvent[] {
    return [...this.#book.heads()].flatMap(([key]) =>
      [...this.#book.members(key).values()].flatMap(({ event }) => (isAlerting(event.status) ? [event] : [])),
    );
  }

  /** When the next group speaks; Infinity: there is none. */
  get nextDueMs(): number {
    let nextMs = Infinity;
    for (const [, { dueMs }] of this.#book.heads()) nextMs = Math.min(nextMs, dueMs);
    return nextMs;
  }

  changes(): Iterable<readonly [name: string, value: JsonValue | undefined]> {
    return this.#book.changes();
  }

  cells(): Iterable<readonly [name: string, value: JsonValue]> {
    return this.#book.cells();
  }

  #open(key: string, event: AlertEvent, nowMs: number): void {
    const { notifications } = this.policy;
    const labels = key === OTHER ? { group: OTHER } : groupLabelsOf(event, notifications.groupBy);
    this.#book.putHead(key, newGroup(labels, nowMs, notifications));
  }

  #heldBack(nowMs: number, silences: readonly Silence[]): (event: AlertEvent) => boolean {
    const firing = this.firing();
    const { inhibit, maintenance } = this.policy;
    return (event) =>
      silencesOf(silences, event, nowMs).length > 0 ||
      maintenanceOf(maintenance, event, nowMs).length > 0 ||
      inhibitorsOf(inhibit, event, firing).length > 0;
  }

  #keyOf(event: AlertEvent): string {
    const key = groupKeyOf(groupLabelsOf(event, this.policy.notifications.groupBy));
    return this.#book.has(key) || this.#book.size < MAX_GROUPS ? key : OTHER;
  }
}
