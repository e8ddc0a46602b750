import type { JsonObject, JsonValue } from '#libs/kernel';
import { type AlertEvent, conditionOf } from '../alert-event.js';
import { alertFingerprint, episodeId } from '../alert-identity.js';
import type { AlertRule } from '../alert-rule.js';
import type { AlertBook } from './alert-book.js';
import type { Telling } from './alert-teller.js';

/** What is remembered of a storm; plain JSON. */
interface Storm {
  readonly told: AlertEvent;
  /** The most label sets that were held at once. */
  readonly mostHeld: number;
}

/** The labels of the one alert that stands for all that a rule has too many. */
const STORM_LABELS = { storm: true } as const;

/**
 * At most `maxActive` label sets of a rule alert one by one; while there are more, one storm does.
 *
 *     active     98  99 100 103 140 100  60        maxActive: 100
 *     told        +1  +1  +1  storm             storm resolved
 */
export class Storms {
  readonly #storms = new Map<string, Storm>();
  readonly #changed = new Set<string>();

  constructor(
    private readonly pipeline: string,
    private readonly book: AlertBook,
  ) {}

  load(rule: string, value: JsonValue): void {
    this.#storms.set(rule, value as unknown as Storm);
  }

  /** Begins or ends the storm of a rule, by how many of its label sets are held. */
  check(rule: AlertRule, { atMs }: { readonly atMs: number }, telling: Telling): void {
    const { held } = this.book.countsOf(rule.name);
    const storm = this.#storms.get(rule.name);
    if (held > 0 && storm === undefined) this.#begin(rule, { atMs, held }, telling);
    else if (held === 0 && storm !== undefined) this.#end(rule.name, { storm, atMs }, telling);
    else if (storm !== undefined && held > storm.mostHeld) this.#put(rule.name, { ...storm, mostHeld: held });
  }

  /** A rule that is gone has no storm. */
  forget(rule: string, { sink }: Telling): void {
    const storm = this.#storms.get(rule);
    if (storm === undefined) return;
    const atMs = Date.parse(storm.told.since);
    sink.alert(ended(storm, atMs, 'rule-removed'), atMs);
    this.#put(rule, undefined);
  }

  rules(): readonly string[] {
    return [...this.#storms.keys()];
  }

  *changes(): Iterable<readonly [rule: string, value: JsonValue | undefined]> {
    const changed = [...this.#changed];
    this.#changed.clear();
    for (const rule of changed) yield [rule, this.#storms.get(rule) as unknown as JsonObject | undefined];
  }

  *cells(): Iterable<readonly [rule: string, value: JsonValue]> {
    for (const [rule, storm] of this.#storms) yield [rule, storm as unknown as JsonObject];
  }

  #begin(
    rule: AlertRule,
    { atMs, held }: { readonly atMs: number; readonly held: number },
    { nowMs, sink }: Telling,
  ): void {
    const fingerprint = alertFingerprint(this.pipeline, rule.name, STORM_LABELS);
    const at = new Date(atMs).toISOString();
    const told: AlertEvent = {
      fingerprint,
      episode: episodeId(fingerprint, atMs),
      ...{ sequence: 0, pipeline: this.pipeline, rule: rule.name, severity: rule.severity },
      summary: `More than ${rule.maxActive} label sets of ${rule.name} alert at once; further ones are not told one by one`,
      labels: STORM_LABELS,
      ...{ from: 'inactive', status: 'firing', reason: 'storm', since: at, startedAt: at, firedAt: at },
      value: rule.maxActive ?? null,
      condition: conditionOf(rule),
      ...(nowMs - atMs > rule.notifyWithinMs ? { historical: true } : {}),
    };
    sink.alert(told, atMs);
    this.#put(rule.name, { told, mostHeld: held });
  }

  #end(
    rule: string,
    { storm, atMs }: { readonly storm: Storm; readonly atMs: number },
    { sink }: Telling,
  ): void {
    const endMs = Math.max(atMs, Date.parse(storm.told.since));
    sink.alert(ended(storm, endMs, 'storm-over'), endMs);
    this.#put(rule, undefined);
  }

  #put(rule: string, storm: Storm | undefined): void {
    if (storm === undefined) this.#storms.delete(rule);
    else this.#storms.set(rule, storm);
    this.#changed.add(rule);
  }
}

/** `value`: how many label sets it stood for. */
function ended({ told, mostHeld }: Storm, atMs: number, reason: 'storm-over' | 'rule-removed'): AlertEvent {
  const at = new Date(atMs).toISOString();
  return {
    ...told,
    ...{ sequence: told.sequence + 1, from: 'firing', status: 'resolved', reason, since: at, resolvedAt: at },
    value: mostHeld,
  };
}
