import { type Matched, type Matcher, matchesAll } from './matcher.js';

export const WEEKDAYS = ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'] as const;
export type Weekday = (typeof WEEKDAYS)[number];

/** A time of the week in which alerts that fit notify nobody, by the wall clock of a place. */
export interface MaintenanceWindow {
  readonly name: string;
  /** Empty: all alerts. */
  readonly matchers: readonly Matcher[];
  /** Days on which it begins; empty: every day. */
  readonly days: readonly Weekday[];
  /** Minutes after midnight, 0 to 1,440. `to` at or before `from` is of the next day. */
  readonly fromMinute: number;
  readonly toMinute: number;
  /** IANA name. */
  readonly timeZone: string;
}

const FORMATS = new Map<string, Intl.DateTimeFormat>();

/**
 * Is it on. Days are those of the wall clock: where clocks go forward over it, it is shorter, where they go back,
 * longer.
 */
export function isMaintenance(window: MaintenanceWindow, nowMs: number): boolean {
  const { day, minute } = wallClock(window.timeZone, nowMs);
  const { fromMinute, toMinute } = window;
  const begins = (on: number): boolean =>
    window.days.length === 0 || window.days.includes(WEEKDAYS[(on + 7) % 7]!);
  if (toMinute > fromMinute) return begins(day) && minute >= fromMinute && minute < toMinute;
  return (begins(day) && minute >= fromMinute) || (begins(day - 1) && minute < toMinute);
}

/** The windows that hold an alert back now. */
export function maintenanceOf(
  windows: readonly MaintenanceWindow[],
  alert: Matched,
  nowMs: number,
): readonly MaintenanceWindow[] {
  return windows.filter((window) => matchesAll(window.matchers, alert) && isMaintenance(window, nowMs));
}

/** Day of the week, 0 for Monday, and minutes after midnight there. */
function wallClock(timeZone: string, nowMs: number): { readonly day: number; readonly minute: number } {
  const parts = formatOf(timeZone).formatToParts(nowMs);
  const part = (type: string): string => parts.find((each) => each.type === type)?.value ?? '';
  const day = WEEKDAYS.indexOf(part('weekday').toLowerCase() as Weekday);
  return { day, minute: Number(part('hour')) * 60 + Number(part('minute')) };
}

function formatOf(timeZone: string): Intl.DateTimeFormat {
  const known = FORMATS.get(timeZone);
  if (known !== undefined) return known;
  const format = new Intl.DateTimeFormat('en-US', {
    timeZone,
    weekday: 'short',
    hour: '2-digit',
    minute: '2-digit',
    hourCycle: 'h23',
  });
  FORMATS.set(timeZone, format);
  return format;
}
