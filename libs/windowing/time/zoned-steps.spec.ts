import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { hopping, tumbling, type AlignedWindow } from './window.js';
import { gridOf, isWindowOf, windowsAt } from './window-grid.js';

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
const ms = (iso: string): number => Date.parse(iso);
const iso = (timeMs: number): string => new Date(timeMs).toISOString().replace(':00.000Z', 'Z');

/** The windows, one behind the other, between two moments. */
function windowsBetween(definition: AlignedWindow, from: string, to: string): string[] {
  const grid = gridOf(definition);
  const found: string[] = [];
  for (let startMs = grid.startAtOrBefore(ms(from)); startMs < ms(to); startMs = grid.startAfter(startMs)) {
    found.push(`${iso(startMs)} ${(grid.endOf(startMs) - startMs) / HOUR}h`);
  }
  return found;
}

const prague = (size: string): AlignedWindow => tumbling(size, { timeZone: 'Europe/Prague' });

describe('a daylight-saving night', () => {
  //   UTC    Mar 28 23:00               Mar 29 22:00              Mar 30 22:00
  //   Prague      00:00 ──23 h, no 02:00──── 00:00 ─────24 h────────── 00:00
  it('in spring makes a day of 23 hours', () => {
    expect(windowsBetween(prague('1d'), '2026-03-28T12:00Z', '2026-03-31T00:00Z')).toEqual([
      '2026-03-27T23:00Z 24h',
      '2026-03-28T23:00Z 23h',
      '2026-03-29T22:00Z 24h',
      '2026-03-30T22:00Z 24h',
    ]);
  });

  //   UTC    Oct 24 22:00               Oct 25 23:00
  //   Prague      00:00 ──25 h, 02:00 twice─ 00:00
  it('in autumn makes a day of 25 hours', () => {
    expect(windowsBetween(prague('1d'), '2026-10-24T12:00Z', '2026-10-26T00:00Z')).toEqual([
      '2026-10-23T22:00Z 24h',
      '2026-10-24T22:00Z 25h',
      '2026-10-25T23:00Z 24h',
    ]);
  });

  //   UTC     00:00      01:00      02:00
  //   Prague  01:00 ──── 03:00 ──── 04:00          autumn: 02:00 ──── 02:00 ──── 03:00
  it('has an hour less, or the same hour twice', () => {
    expect(windowsBetween(prague('1h'), '2026-03-29T00:00Z', '2026-03-29T03:00Z')).toEqual([
      '2026-03-29T00:00Z 1h',
      '2026-03-29T01:00Z 1h',
      '2026-03-29T02:00Z 1h',
    ]);
    expect(windowsBetween(prague('1h'), '2026-10-25T00:00Z', '2026-10-25T03:00Z')).toEqual([
      '2026-10-25T00:00Z 1h',
      '2026-10-25T01:00Z 1h',
      '2026-10-25T02:00Z 1h',
    ]);
  });

  //   Prague  00:00 ──────── 06:00 ─── 12:00       spring 5 h, autumn 7 h
  it('makes the six hours around it five or seven', () => {
    expect(windowsBetween(prague('6h'), '2026-03-29T00:00Z', '2026-03-29T08:00Z')).toEqual([
      '2026-03-28T23:00Z 5h',
      '2026-03-29T04:00Z 6h',
    ]);
    expect(windowsBetween(prague('6h'), '2026-10-25T00:00Z', '2026-10-25T08:00Z')).toEqual([
      '2026-10-24T22:00Z 7h',
      '2026-10-25T05:00Z 6h',
    ]);
  });

  //   Lord Howe  01:00 ──── 02:30 ── 03:00         spring: half an hour, 02:00 is jumped over
  //   Lord Howe  01:00 ──── 01:30 ── 02:00         autumn: 01:30 again, 02:00 once
  it('of a zone that changes by half an hour', () => {
    const hours = tumbling('1h', { timeZone: 'Australia/Lord_Howe' });
    expect(windowsBetween(hours, '2026-10-03T14:40Z', '2026-10-03T16:10Z')).toEqual([
      '2026-10-03T14:30Z 1h',
      '2026-10-03T15:30Z 0.5h',
      '2026-10-03T16:00Z 1h',
    ]);
    expect(windowsBetween(hours, '2026-04-04T14:10Z', '2026-04-04T16:10Z')).toEqual([
      '2026-04-04T14:00Z 1.5h',
      '2026-04-04T15:30Z 1h',
    ]);
    const days = tumbling('1d', { timeZone: 'Australia/Lord_Howe' });
    expect(windowsBetween(days, '2026-10-03T14:00Z', '2026-10-03T15:00Z')).toEqual([
      '2026-10-03T13:30Z 23.5h',
    ]);
  });

  it('that begins at midnight makes a day that begins at one', () => {
    const days = tumbling('1d', { timeZone: 'America/Sao_Paulo' });
    expect(windowsBetween(days, '2018-11-04T00:00Z', '2018-11-05T03:00Z')).toEqual(
      ['2018-11-03T03:00Z 24h', '2018-11-04T03:00Z 23h', '2018-11-05T02:00Z 24h'].slice(0, 3),
    );
  });

  it('at midnight, shown twice, begins a day once', () => {
    const days = tumbling('1d', { timeZone: 'America/Havana' });
    expect(windowsBetween(days, '2024-11-03T05:30Z', '2024-11-03T06:00Z')).toEqual(['2024-11-03T04:00Z 25h']);
  });

  it('is in hopping windows of days and of hours', () => {
    const days = hopping('2d', '1d', { timeZone: 'Europe/Prague' });
    expect(windowsBetween(days, '2026-03-28T00:00Z', '2026-03-29T00:00Z')).toEqual([
      '2026-03-27T23:00Z 47h',
      '2026-03-28T23:00Z 47h',
    ]);
    const hourly = hopping('1d', '1h', { timeZone: 'Europe/Prague' });
    expect(windowsBetween(hourly, '2026-10-24T22:00Z', '2026-10-25T02:30Z')).toEqual([
      '2026-10-24T22:00Z 25h',
      '2026-10-24T23:00Z 25h',
      '2026-10-25T00:00Z 25h',
      '2026-10-25T01:00Z 25h',
      '2026-10-25T02:00Z 24h',
    ]);
  });
});

describe('windows in a zone', () => {
  it('of a week begin on the weekday that the offset says', () => {
    const weeks = tumbling('7d', { offset: '4d', timeZone: 'Europe/Prague' });
    expect(windowsBetween(weeks, '2026-03-25T00:00Z', '2026-03-30T00:00Z')).toEqual([
      '2026-03-22T23:00Z 167h',
      '2026-03-29T22:00Z 168h',
    ]);
  });

  it('lie side by side, and each moment is where the wall clock says', () => {
    fc.assert(
      fc.property(zone, size, timeMs, (timeZone, sizeMs, time) => {
        const definition = tumbling(sizeMs, { timeZone });
        const grid = gridOf(definition);
        const startMs = grid.startAtOrBefore(time);
        const endMs = grid.endOf(startMs);
        expect(startMs <= time && time < endMs).toBe(true);
        expect(grid.startAfter(startMs)).toBe(endMs);
        expect(grid.startAtOrBefore(endMs)).toBe(endMs);
        expect(grid.startAtOrBefore(endMs - 1)).toBe(startMs);
        expect(isWindowOf(grid, { startMs, endMs })).toBe(true);
        if (sizeMs === DAY) expect(dateIn(timeZone, startMs)).toBe(dateIn(timeZone, endMs - 1));
        if (sizeMs === DAY) expect(dateIn(timeZone, endMs)).not.toBe(dateIn(timeZone, endMs - 1));
      }),
    );
  });

  it('that overlap hold a moment in as many as start before it and end behind it', () => {
    fc.assert(
      fc.property(
        zone,
        fc.constantFrom(['1d', '6h'], ['6h', '2h'], ['3d', '1d'], ['1h', '15m']),
        timeMs,
        (timeZone, [length, every], time) => {
          const grid = gridOf(hopping(length!, every!, { timeZone }));
          const starts: number[] = [];
          for (
            let startMs = grid.startAtOrBefore(time - 6 * DAY);
            startMs <= time;
            startMs = grid.startAfter(startMs)
          )
            starts.push(startMs);
          const ends = starts.map((startMs) => grid.endOf(startMs));
          expect(ends).toEqual(ends.toSorted((a, b) => a - b));
          expect(windowsAt(grid, time).map(({ startMs }) => startMs)).toEqual(
            starts.filter((_, i) => ends[i]! > time),
          );
          expect(windowsAt(grid, time).length).toBeGreaterThan(0);
        },
      ),
    );
  });

  it('are those of UTC in UTC', () => {
    fc.assert(
      fc.property(size, fc.integer({ min: -9e15, max: 9e15 }), (sizeMs, time) => {
        const zoned = gridOf(tumbling(sizeMs, { timeZone: 'UTC' }));
        expect(zoned.startAtOrBefore(time)).toBe(gridOf(tumbling(sizeMs)).startAtOrBefore(time));
        expect(zoned.startAfter(time)).toBe(gridOf(tumbling(sizeMs)).startAfter(time));
      }),
    );
  });

  it.each([
    ['90d', 'ok'],
    ['15m', 'ok'],
    ['5h', 'with a time zone a size divides a day or is whole days: 288m or 6h, not 5h'],
    ['36h', 'with a time zone a size divides a day or is whole days: 1d or 2d, not 36h'],
  ])('of %s: %s', (length, said) => {
    const make = (): unknown => tumbling(length, { timeZone: 'Europe/Prague' });
    if (said === 'ok') make();
    else expect(make).toThrow(new RangeError(said));
  });

  it('are refused for a zone that there is not', () => {
    expect(() => tumbling('1d', { timeZone: 'Europe/Praha' })).toThrow(
      /Europe\/Praha.*no time zone.*Europe\/Prague/,
    );
  });
});

function dateIn(timeZone: string, time: number): string {
  return new Intl.DateTimeFormat('en-CA', { timeZone, dateStyle: 'short' }).format(time);
}

const zone = fc.constantFrom(
  ...['Europe/Prague', 'Australia/Lord_Howe', 'America/New_York', 'Asia/Kathmandu', 'America/Havana'],
  ...['Pacific/Apia', 'Africa/Casablanca', 'America/St_Johns', 'Asia/Beirut', 'UTC'],
);
const size = fc.constantFrom(15 * 60_000, HOUR, 2 * HOUR, 6 * HOUR, 12 * HOUR, DAY, 7 * DAY, 250);
/** 1900 to 2100, often near a change of some clock. */
const timeMs = fc.oneof(
  fc.integer({ min: -2_208_988_800_000, max: 4_102_444_800_000 }),
  fc
    .tuple(
      fc.constantFrom(
        '2026-03-29T01:00Z',
        '2026-10-25T01:00Z',
        '2026-10-03T15:30Z',
        '2026-04-04T15:00Z',
        '2024-11-03T05:00Z',
        '2011-12-30T10:00Z',
      ),
      fc.integer({ min: -8 * DAY, max: 8 * DAY }),
    )
    .map(([at, by]) => ms(at) + by),
);
