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

/** What a key is found by in a `Map`; in memory only. */
export type KeyId = JsonScalar;

/** The one value of a key; of several, {@link keyValues} as one text. */
export function keyId(series: SeriesDefinition, key: Key): KeyId {
  const { by } = series;
  // A map tells values of different types apart, so nothing has to be put together.
  if (by.length === 1) return key[by[0]!] ?? null;
  return by.length === 0 ? '' : JSON.stringify(keyValues(series, key));
}

/** The values of the key that the events above the cap on keys count under. */
export function otherKey(series: SeriesDefinition): readonly JsonScalar[] {
  return series.by.map(() => OTHER_KEY);
}
