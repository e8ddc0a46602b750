import type { RangeOptions } from 'lmdb';

interface TimeSpan {
  readonly fromMs?: number;
  readonly toMs?: number;
  readonly order?: 'ascending' | 'descending';
}

/**
 * The keys `[...prefix, time, ...]` of a half-open span of time, in the order that is asked for.
 *
 * @param after where to start instead, inclusive: what follows the prefix
 */
export function rangeBetween(
  prefix: readonly string[] | string,
  span: TimeSpan,
  after?: readonly (string | number)[],
): RangeOptions {
  const parts = typeof prefix === 'string' ? [prefix] : prefix;
  // A key that ends with a time stands before all that go on behind it. So both ends exclude `toMs` itself.
  const low = [...parts, span.fromMs ?? -Number.MAX_VALUE];
  const high = [...parts, span.toMs ?? Number.MAX_VALUE];
  if (span.order === 'descending')
    return { start: after ? [...parts, ...after] : high, end: low, reverse: true };
  return { start: after ? [...parts, ...after] : low, end: high };
}
