import { isJsonObject, type JsonObject, type JsonValue, murmur3 } from '#libs/kernel';
import type { PipelineDefinition } from './pipeline-definition.js';

/** Two seeds, 64 bits. Versions are part of commits. */
const SEEDS = [0x0, 0x9747b28c];

/**
 * Names what a pipeline's file says of alerts: rules, notifications, receivers and all else. The same for the same
 * text but for comments and the order of keys. 16 hexadecimal digits.
 */
export function alertRulesVersion({ source }: Pick<PipelineDefinition, 'source'>): string {
  const text = JSON.stringify(sorted(specOf(source)['alerts'] ?? null));
  return SEEDS.map((seed) => murmur3(text, seed).toString(16).padStart(8, '0')).join('');
}

/** Names of the settings of a pipeline, alerts aside, in which two of its files differ; sorted. */
export function differencesBesideAlerts(
  first: Pick<PipelineDefinition, 'source'>,
  second: Pick<PipelineDefinition, 'source'>,
): readonly string[] {
  const [one, other] = [settingsOf(first.source), settingsOf(second.source)];
  const names = [...new Set([...Object.keys(one), ...Object.keys(other)])].sort();
  const textOf = (value: JsonValue | undefined): string => JSON.stringify(sorted(value ?? null));
  return names.filter((name) => textOf(one[name]) !== textOf(other[name]));
}

function settingsOf(source: JsonObject): JsonObject {
  const spec = Object.entries(specOf(source)).filter(([name]) => name !== 'alerts');
  const named = spec.map(([name, value]) => [`spec.${name}`, value] as const);
  return { ...Object.fromEntries(named), metadata: source['metadata'] ?? null };
}

function specOf({ spec }: JsonObject): JsonObject {
  return isJsonObject(spec) ? spec : {};
}

function sorted(value: JsonValue): JsonValue {
  if (Array.isArray(value)) return value.map(sorted);
  if (!isJsonObject(value)) return value;
  const names = Object.keys(value).sort();
  return Object.fromEntries(names.map((name) => [name, sorted(value[name] ?? null)]));
}
