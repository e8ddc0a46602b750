import type { JsonScalar } from '#libs/kernel';
import type { SeriesDefinition } from './series.js';

/** The values of a key by field, as rows and deltas carry it. */
export type Key = Readonly<Record<string, JsonScalar>>;

/** The value of every field of the key that the events above the cap on keys count under. */
export const OTHER_KEY = '__other__';

/** @param values in the order in which the series names its fields */
export function keyOf({ by }: SeriesDefinition, values: readonly JsonScalar[]): Key {
  const key: Record<string, JsonScalar> = {};
  for (let i = 0; i < by.length; i++) key[by[i]!] = values[i] ?? null;
  return key;
}

/** The values of a key, in the order in which the series names its fields. */
export function keyValues(series: SeriesDefinition, key: Key): readonly JsonScalar[] {
  return series.by.map((field) => key[field] ?? null);
}

/** {@link keyValues} as one text, to find a key by; in memory only. */
export function keyText(series: SeriesDefinition, key: Key): string {
  const { by } = series;
  if (by.length === 0) return '';
  const only = by.length === 1 ? key[by[0]!] : undefined;
  // Nothing else begins with a quote, and a text need not be escaped where it stands alone.
  return typeof only === 'string' ? `"${only}` : JSON.stringify(keyValues(series, key));
}

/** The values of the key that the events above the cap on keys count under. */
export function otherKey(series: SeriesDefinition): readonly JsonScalar[] {
  return series.by.map(() => OTHER_KEY);
}
