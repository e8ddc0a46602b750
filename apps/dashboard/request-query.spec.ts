import { describe, expect, it } from '@jest/globals';
import { ParameterInvalidError, ParameterUnknownError } from './dashboard.errors.js';
import { RequestQuery } from './request-query.js';

const NOON_MS = Date.UTC(2026, 2, 1, 12);

describe('the time in a request', () => {
  it.each([
    ['2026-03-01T12:00:00Z', NOON_MS],
    ['2026-03-01T12:00:00.250Z', NOON_MS + 250],
    ['2026-03-01T12:00:00.250999999Z', NOON_MS + 250],
    ['2026-03-01T13:00:00+01:00', NOON_MS],
    ['2026-03-01T13:00:00 01:00', NOON_MS],
    ['2026-03-01T12:00', NOON_MS],
    ['2026-03-01', NOON_MS - 12 * 3_600_000],
    [String(NOON_MS), NOON_MS],
    ['-1', -1],
    ['0', 0],
  ])('%s is read', (text, timeMs) => {
    expect(new RequestQuery({ from: text }, ['from']).time('from')).toBe(timeMs);
  });

  it.each([
    'yesterday',
    '12:00',
    '2026-02-30T00:00:00X',
    '2026-13-01',
    '2026-02-30',
    '1e3',
    '99999999999999999',
    '1.5',
    'NaN',
  ])('%s is refused with what would be right', (text) => {
    const read = (): unknown => new RequestQuery({ from: text }, ['from']).time('from');
    expect(read).toThrow(ParameterInvalidError);
    expect(read).toThrow(`parameter 'from' is '${text}'; it must be a time: ISO 8601`);
  });
});

describe('the other parameters', () => {
  it('that are not known are refused, with those that are', () => {
    const read = (): unknown => new RequestQuery({ form: '1' }, ['from', 'to']);
    expect(read).toThrow(ParameterUnknownError);
    expect(read).toThrow("there is no parameter 'form' here; there are from, to");
  });

  it.each(['0', '10001', '-1', '1.5', 'many', '1e3'])('a limit of %s is refused', (limit) => {
    const query = new RequestQuery({ limit }, ['limit']);
    expect(() => query.integer('limit', { min: 1, max: 10_000, fallback: 5 })).toThrow(
      `parameter 'limit' is '${limit}'; it must be a whole number from 1 to 10000`,
    );
  });

  it('that are missing or empty have their default', () => {
    const range = { min: 1, max: 10, fallback: 5 };
    expect(new RequestQuery({}, ['limit']).integer('limit', range)).toBe(5);
    expect(new RequestQuery({ limit: '' }, ['limit']).integer('limit', range)).toBe(5);
  });

  it('with a prefix come without it, and keep an empty value: a key may be empty', () => {
    const query = new RequestQuery({ 'key.path': '/a', 'key.user': '' }, ['key.*']);
    expect(query.withPrefix('key.')).toEqual({ path: '/a', user: '' });
  });

  it('that are given twice are refused', () => {
    const query = new RequestQuery({ stream: ['a', 'b'] }, ['stream']);
    expect(() => query.stream()).toThrow("parameter 'stream' is 'a, b'; it must be given once");
  });

  it('of a choice may be several', () => {
    const query = new RequestQuery({ phase: 'complete, final' }, ['phase']);
    expect(query.choices('phase', ['provisional', 'complete', 'final'])).toEqual(
      new Set(['complete', 'final']),
    );
  });
});
