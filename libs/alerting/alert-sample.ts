import type { JsonObject } from '#libs/kernel';
import type { AlertRule } from './alert-rule.js';

/** What a row says to a rule; undefined: nothing, since a value is missing or there are too few samples. */
export function sampleValue({ condition, minSamples }: AlertRule, measures: JsonObject): number | undefined {
  if (minSamples !== undefined) {
    const samples = measures[minSamples.measure];
    if (typeof samples !== 'number' || samples < minSamples.atLeast) return undefined;
  }
  const value = condition.value(measures);
  return value !== undefined && Number.isFinite(value) ? value : undefined;
}
