import type { JsonObject, JsonValue } from '#libs/kernel';
import { isActive } from '../alert-state.js';
import type { AlertCell } from './alert-cell.js';

interface RuleCounts {
  tracked: number;
  active: number;
  held: number;
}

/** Every alert that is remembered, by fingerprint, by where its rows come from, and counted by rule. */
export class AlertBook {
  readonly #alerts = new Map<string, AlertCell>();
  /** Fingerprints of the alerts of one upstream task and stream. */
  readonly #members = new Map<string, Set<string>>();
  readonly #counts = new Map<string, RuleCounts>();
  readonly #changed = new Set<string>();

  load(fingerprint: string, value: JsonValue): void {
    this.put(fingerprint, value as unknown as AlertCell);
    this.#changed.delete(fingerprint);
  }

  get(fingerprint: string): AlertCell | undefined {
    return this.#alerts.get(fingerprint);
  }

  put(fingerprint: string, cell: AlertCell): void {
    this.#count(this.#alerts.get(fingerprint), -1);
    this.#count(cell, 1);
    this.#alerts.set(fingerprint, cell);
    const source = sourceOf(cell.upstream, cell.stream);
    const members = this.#members.get(source);
    if (members === undefined) this.#members.set(source, new Set([fingerprint]));
    else members.add(fingerprint);
    this.#changed.add(fingerprint);
  }

  remove(fingerprint: string, cell: AlertCell): void {
    this.#count(this.#alerts.get(fingerprint), -1);
    this.#alerts.delete(fingerprint);
    const source = sourceOf(cell.upstream, cell.stream);
    const members = this.#members.get(source);
    members?.delete(fingerprint);
    if (members?.size === 0) this.#members.delete(source);
    this.#changed.add(fingerprint);
  }

  all(): Iterable<readonly [fingerprint: string, cell: AlertCell]> {
    return this.#alerts;
  }

  /** The alerts that this upstream task has made rows for. A copy: they may be changed meanwhile. */
  of(upstream: number, stream: string): readonly (readonly [fingerprint: string, cell: AlertCell])[] {
    const members = [...(this.#members.get(sourceOf(upstream, stream)) ?? [])];
    return members.map((fingerprint) => [fingerprint, this.#alerts.get(fingerprint)!] as const);
  }

  /** How many alerts of a rule are remembered, are active and told, are active and held by a storm. */
  countsOf(rule: string): Readonly<RuleCounts> {
    return this.#counts.get(rule) ?? { tracked: 0, active: 0, held: 0 };
  }

  *changes(): Iterable<readonly [fingerprint: string, value: JsonValue | undefined]> {
    const changed = [...this.#changed];
    this.#changed.clear();
    for (const fingerprint of changed) {
      const cell = this.#alerts.get(fingerprint);
      yield [fingerprint, cell && toJson(cell)];
    }
  }

  *cells(): Iterable<readonly [fingerprint: string, value: JsonValue]> {
    for (const [fingerprint, cell] of this.#alerts) yield [fingerprint, toJson(cell)];
  }

  #count(cell: AlertCell | undefined, step: 1 | -1): void {
    if (cell === undefined) return;
    const counts = this.#counts.get(cell.rule) ?? { tracked: 0, active: 0, held: 0 };
    counts.tracked += step;
    if (isActive(cell.state)) counts[cell.isHeld === true ? 'held' : 'active'] += step;
    this.#counts.set(cell.rule, counts);
  }
}

function sourceOf(upstream: number, stream: string): string {
  return `${upstream}/${stream}`;
}

/** Cells are made of JSON already; their types say more than JSON's can. */
function toJson(cell: AlertCell): JsonValue {
  return cell as unknown as JsonObject;
}
