import type { JsonScalar } from '#libs/kernel';
import type { SeriesDefinition } from './series.js';

/** The values of a key by field, as rows and deltas carry it. */
export type Key = Readonly<Record<string, JsonScalar>>;

/** The value of every field of the key that the events above the cap on keys count under. */
export const OTHER_KEY = '__other__';

/** @param values in the order in which the series names its fields */
export function keyOf(series: SeriesDefinition, values: readonly JsonScalar[]): Key {
  return Object.fromEntries(series.by.map((field, i) => [field, values[i] ?? null]));
}

/** The values of a key, in the order in which the series names its fields. */
export function keyValues(series: SeriesDefinition, key: Key): readonly JsonScalar[] {
  return series.by.map((field) => key[field] ?? null);
}

/** {@link keyValues} as one text, to find a key by. */
export function keyText(series: SeriesDefinition, key: Key): string {
  return series.by.length === 0 ? '' : JSON.stringify(keyValues(series, key));
}

/** The values of the key that the events above the cap on keys count under. */
export function otherKey(series: SeriesDefinition): readonly JsonScalar[] {
  return series.by.map(() => OTHER_KEY);
}
