import { describe, expect, it } from '@jest/globals';
import { validateSync } from 'class-validator';
import fc from 'fast-check';
import { shippedSchemas, WebRequest } from './index.js';

const schema = shippedSchemas().get('web-request@1')!;
const VALID = { method: 'GET', path: '/', status: 200 };

/** Values on both sides of every bound, and of every JSON type. */
const anyValue = fc.oneof(
  fc.constantFrom(null, true, false, 0, -1, -0.5, 1.5, 99, 100, 599, 600, 1e400, '', '/', '/a', 'GET', 'a/b'),
  fc.constantFrom(...[32, 33, 256, 257, 8192, 8193, 16384, 16385].map((length) => '/'.padEnd(length, 'x'))),
  fc.constantFrom('é'.repeat(32), '😀'.repeat(32), '😀'.repeat(33)),
  fc.string(),
  fc.double(),
  fc.integer(),
  fc.constant([]),
  fc.constant({}),
);
const fieldNames = [...schema.fields.keys(), 'plan', 'nested'];
const anyData = fc
  .tuple(
    fc.subarray(['method', 'path', 'status'] as const),
    fc.array(fc.tuple(fc.constantFrom(...fieldNames), anyValue)),
  )
  .map(([kept, changes]) => ({
    ...Object.fromEntries(kept.map((name) => [name, VALID[name]])),
    ...Object.fromEntries(changes.filter((_, index) => index < 3)),
  }));

describe('web-request@1', () => {
  it('takes and refuses exactly what the decorators take and refuse', () => {
    const verdicts = new Set<boolean>();
    fc.assert(
      fc.property(anyData, (data) => {
        const byClass = validateSync(Object.assign(new WebRequest(), data)).length === 0;
        verdicts.add(byClass);
        expect(schema.check(data) === undefined).toBe(byClass);
      }),
    );
    expect(verdicts).toEqual(new Set([true, false]));
  });

  it.each([
    [{ method: 'GET', path: '/' }, '/status', '/status is missing; it must be a whole number of 100 to 599'],
    [{ ...VALID, status: 700 }, '/status', '/status is 700; it must be a whole number of 100 to 599'],
    [{ ...VALID, status: '200' }, '/status', '/status is "200"; it must be a whole number of 100 to 599'],
    [
      { ...VALID, path: 'index' },
      '/path',
      '/path is "index"; it must be a string of at most 16384 characters that matches ^\\/',
    ],
    ['text', '', 'data is "text"; it must be a JSON object'],
  ])('says where %j is wrong, and what would be right', (data, path, reason) => {
    expect(schema.check(data)).toEqual({
      path,
      found: typeof data === 'string' ? data : (data as Record<string, unknown>)[path.slice(1)],
      reason,
    });
  });

  it('shows only the beginning of a long value', () => {
    const problem = schema.check({ ...VALID, userAgent: 'x'.repeat(100_000) });
    expect(problem?.reason.length).toBeLessThan(250);
    expect(problem?.reason).toContain('(100002 characters)');
  });

  it('lets fields through that it does not name', () => {
    expect(schema.check({ ...VALID, plan: 'gold', tags: ['a'] })).toBeUndefined();
  });

  it('names its fields with their kinds', () => {
    expect(Object.fromEntries(schema.fields)).toMatchObject({
      path: 'string',
      status: 'number',
      durationMs: 'number',
    });
    expect(schema.fields.size).toBe(13);
  });
});
