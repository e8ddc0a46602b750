import type { JsonValue } from '#libs/kernel';
import type { AlertRule } from '../alert-rule.js';
import { CUSTOM_PAST_WINDOWS } from '../kinds/custom.js';
import { PastWindows } from '../kinds/past-windows.js';

/** Earlier windows of all label sets of one rule together: what a rule may keep. */
const MAX_PAST_WINDOWS = 500_000;

interface Kept {
  readonly rule: string;
  readonly past: PastWindows;
  readonly keepMs: number;
}

/** The earlier windows of every label set whose rule compares with them. */
export class PastBook {
  readonly #kept = new Map<string, Kept>();
  readonly #counts = new Map<string, number>();
  readonly #changed = new Map<string, Set<number>>();
  readonly #removed = new Set<string>();

  constructor(private readonly rules: ReadonlyMap<string, AlertRule>) {}

  /** `name`: `<rule>/<fingerprint>/<piece>` */
  load(name: string, value: JsonValue): void {
    const [ruleName = '', fingerprint = '', piece = ''] = name.split('/');
    const rule = this.rules.get(ruleName);
    const past = rule && this.of(rule, fingerprint);
    if (past === undefined) this.#removed.add(name);
    else past.load(Number(piece), value);
  }

  /** Undefined: the rule looks at no earlier windows, or has too many label sets already. */
  of(rule: AlertRule, fingerprint: string): PastWindows | undefined {
    const known = this.#kept.get(`${rule.name}/${fingerprint}`);
    if (known !== undefined) return known.past;
    const windows = windowsKept(rule);
    const count = this.#counts.get(rule.name) ?? 0;
    if (windows === 0 || (count + 1) * windows > MAX_PAST_WINDOWS) return undefined;
    const everyMs = rule.everyMs ?? 1;
    const keepMs = (windows + 1) * everyMs;
    const past = new PastWindows(everyMs, keepMs);
    this.#kept.set(`${rule.name}/${fingerprint}`, { rule: rule.name, past, keepMs });
    this.#counts.set(rule.name, count + 1);
    return past;
  }

  put(
    rule: AlertRule,
    fingerprint: string,
    window: { readonly endMs: number; readonly value: number },
  ): void {
    const pieces = this.of(rule, fingerprint)?.put(window.endMs, window.value) ?? [];
    if (pieces.length === 0) return;
    const name = `${rule.name}/${fingerprint}`;
    const changed = this.#changed.get(name) ?? new Set();
    for (const piece of pieces) changed.add(piece);
    this.#changed.set(name, changed);
  }

  /** Forgets a label set that has had no row for as long as its windows are kept. */
  forgetIfOld(rule: AlertRule, fingerprint: string, watermarkMs: number): boolean {
    const name = `${rule.name}/${fingerprint}`;
    const kept = this.#kept.get(name);
    if (kept === undefined) return true;
    if (kept.past.newestMs + kept.keepMs > watermarkMs) return false;
    for (const [piece] of kept.past.pieces()) this.#removed.add(`${name}/${piece}`);
    this.#kept.delete(name);
    this.#changed.delete(name);
    this.#counts.set(rule.name, (this.#counts.get(rule.name) ?? 1) - 1);
    return true;
  }

  *changes(): Iterable<readonly [name: string, value: JsonValue | undefined]> {
    for (const name of this.#removed) yield [name, undefined];
    this.#removed.clear();
    for (const [name, pieces] of this.#changed) {
      for (const piece of pieces) yield [`${name}/${piece}`, this.#kept.get(name)?.past.piece(piece)];
    }
    this.#changed.clear();
  }

  *cells(): Iterable<readonly [name: string, value: JsonValue]> {
    for (const [name, { past }] of this.#kept)
      for (const [piece, entries] of past.pieces()) yield [`${name}/${piece}`, entries];
  }
}

/** How many earlier windows a rule needs; 0: none. */
export function windowsKept({ condition, everyMs = 1 }: AlertRule): number {
  switch (condition.kind) {
    case 'change':
      return Math.ceil(condition.againstMs / everyMs) + 1;
    case 'spike':
      return condition.overWindows;
    case 'custom':
      return CUSTOM_PAST_WINDOWS;
    default:
      return 0;
  }
}
