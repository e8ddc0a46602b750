import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { parseIsoTime } from './index.js';

const anyTime = fc.integer({ min: Date.UTC(-1, 12, 1) - 62_135_596_800_000, max: Date.UTC(9999, 11, 31) });

describe('parseIsoTime', () => {
  it('agrees with Date on every instant, in every zone', () => {
    fc.assert(
      fc.property(anyTime, fc.integer({ min: -1_439, max: 1_439 }), (timeMs, offset) => {
        const local = new Date(timeMs + offset * 60_000).toISOString();
        fc.pre(local.length === 24);
        const distance = Math.abs(offset);
        const [hours, minutes] = [Math.floor(distance / 60), distance % 60].map((part) =>
          String(part).padStart(2, '0'),
        );
        const zone = `${offset < 0 ? '-' : '+'}${hours}:${minutes}`;
        expect(parseIsoTime(local.replace('Z', zone))).toBe(timeMs);
        expect(parseIsoTime(local.replace('Z', zone.replace(':', '')))).toBe(timeMs);
      }),
    );
  });

  it.each([
    ['2026-01-31T12:00Z', '2026-01-31T12:00:00Z'],
    ['2026-01-31 12:00:00.5Z', '2026-01-31T12:00:00.500Z'],
    ['2026-01-31t12:00:00,123999z', '2026-01-31T12:00:00.123Z'],
    ['2024-02-29T00:00:00+00', '2024-02-29T00:00:00Z'],
    ['2016-12-31T23:59:60Z', '2017-01-01T00:00:00Z'],
    ['2017-01-01T05:29:60.250+05:30', '2017-01-01T00:00:00.250Z'],
  ])('reads %s', (text, same) => {
    expect(parseIsoTime(text)).toBe(Date.parse(same));
  });

  it.each([
    '2026-01-31T12:00:00',
    '2026-01-31',
    '2026-02-29T00:00:00Z',
    '2026-13-01T00:00:00Z',
    '2026-00-01T00:00:00Z',
    '2026-01-00T00:00:00Z',
    '2026-01-01T24:00:00Z',
    '2026-01-01T00:60:00Z',
    '2026-01-01T00:00:60Z',
    '2026-12-31T23:59:60+01:00',
    '2026-12-31T23:59:61Z',
    '2026-01-01T00:00:00.Z',
    '2026-01-01T00:00:00+2',
    '2026-01-01T00:00:00+02:60',
    '2026-01-01T00:00:00Zulu',
    '26-01-01T00:00:00Z',
    '',
  ])('refuses %s', (text) => {
    expect(parseIsoTime(text)).toBeNaN();
  });
});
