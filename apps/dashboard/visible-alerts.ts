import type { JsonObject } from '#libs/kernel';

/** What a page can show and somebody can read; the rest is behind `GET /v1/alerts`. */
const MAX_RESOLVED = 50;
const MAX_ACTIVE = 200;
const ACTIVE: ReadonlySet<string> = new Set(['firing', 'nodata', 'recovering', 'pending']);

/** Every active alert and the latest resolved ones, in their order. Those that never fired are left out. */
export function visibleAlerts(alerts: readonly JsonObject[]): readonly JsonObject[] {
  const active = alerts.filter(({ status }) => ACTIVE.has(String(status)));
  const resolved = alerts.filter(({ status }) => status === 'resolved');
  return [...active.slice(0, MAX_ACTIVE), ...resolved.slice(0, MAX_RESOLVED)];
}
