import type { JsonObject } from '#libs/kernel';
import type { AlertRule } from './alert-rule.js';
import { changeReading } from './kinds/change.js';
import type { Past, Reading } from './kinds/condition.js';
import type { AlertKind, CustomSample } from './kinds/custom.js';
import { spikeReading } from './kinds/spike.js';

/** What a row says to a rule; undefined: nothing, since a value is missing or there are too few samples. */
export function sampleValue(rule: AlertRule, measures: JsonObject): number | undefined {
  if (!hasSamples(rule, measures)) return undefined;
  const value = rule.condition.value(measures);
  return value !== undefined && Number.isFinite(value) ? value : undefined;
}

/** Has the row as many samples as the rule wants. */
export function hasSamples({ minSamples }: AlertRule, measures: JsonObject): boolean {
  if (minSamples === undefined) return true;
  const samples = measures[minSamples.measure];
  return typeof samples === 'number' && samples >= minSamples.atLeast;
}

/** What a rule of one's own is judged with: the class, and the rest of the row. */
export interface CustomContext {
  readonly kind: AlertKind | undefined;
  readonly row: Omit<CustomSample, 'past' | 'options'>;
}

/**
 * What is compared with the limits of a rule.
 *
 * @param quantity what {@link sampleValue} gives
 * @param context where the row stands, and what is known of earlier ones
 * @returns undefined: the row says nothing
 */
export function readingOf(
  { condition }: AlertRule,
  quantity: number | undefined,
  context: { readonly windowEndMs: number; readonly past: Past; readonly custom?: CustomContext },
): Reading | undefined {
  const { windowEndMs, past } = context;
  if (condition.kind === 'custom') return customReading(condition.options, past, context.custom);
  if (quantity === undefined) return undefined;
  switch (condition.kind) {
    case 'change':
      return changeReading(condition, { value: quantity, windowEndMs }, past);
    case 'spike':
      return spikeReading(condition, quantity, past);
    case 'absence':
      return { value: quantity, verdict: 'clear' };
    case 'threshold':
    case 'ratio':
    case 'pattern':
      return { value: quantity };
    default:
      return condition satisfies never;
  }
}

function customReading(options: JsonObject, past: Past, custom?: CustomContext): Reading | undefined {
  if (custom?.kind === undefined) return undefined;
  try {
    const reading = custom.kind.judge({ ...custom.row, options, past });
    return reading !== undefined && Number.isFinite(reading.value) ? reading : undefined;
  } catch {
    return undefined;
  }
}
