import { alertFingerprint, type AlertLabels } from '../alert-identity.js';
import type { AlertRule } from '../alert-rule.js';
import { hasSamples, readingOf, sampleValue } from '../alert-sample.js';
import type { AlertObservation } from '../alert-state.js';
import type { Past, Reading } from '../kinds/condition.js';
import type { AlertKind } from '../kinds/custom.js';
import type { AbsenceGate } from './absence-gate.js';
import type { AlertBook } from './alert-book.js';
import type { AlertCell } from './alert-cell.js';
import type { AlertTeller, Telling } from './alert-teller.js';
import type { JudgedRow } from './judged-row.js';
import type { PastBook } from './past-book.js';
import { windowsKept } from './past-book.js';
import type { StreamBeginnings } from './stream-beginnings.js';

/** Label sets of a rule that are remembered at once; rows of further ones are not judged, and counted. */
const MAX_TRACKED = 10_000;

const NO_PAST: Past = { valueAt: () => undefined, last: () => [] };

export interface RowJudgeOptions {
  readonly pipeline: string;
  readonly book: AlertBook;
  readonly past: PastBook;
  readonly beginnings: StreamBeginnings;
  readonly teller: AlertTeller;
  readonly gate: AbsenceGate;
  /** Rules of one's own, by the names of their classes. */
  readonly kinds: ReadonlyMap<string, AlertKind>;
}

/** Judges a row by one rule. */
export class RowJudge {
  /** Rows that were not judged since a rule has too many label sets. */
  refused = 0;

  constructor(private readonly options: RowJudgeOptions) {}

  /** @returns the fingerprint of what was judged; undefined: the row said nothing */
  judge(rule: AlertRule, row: JudgedRow, telling: Telling): string | undefined {
    const { pipeline, book, teller } = this.options;
    const labels: AlertLabels = { ...rule.labels, ...row.key, stream: row.stream };
    const fingerprint = alertFingerprint(pipeline, rule.name, labels);
    const known = this.#known(rule, book.get(fingerprint), { row, telling });
    const reading = this.#read(rule, row, fingerprint);
    const observation = observationOf(row, reading);
    if (observation === undefined || this.#isWarmingUp(rule, row)) return undefined;
    if (known === undefined && !this.#hasRoom(rule, observation)) return undefined;
    const { stream, task: upstream } = row;
    const cell: Omit<AlertCell, 'state'> & Partial<AlertCell> = {
      ...{ rule: rule.name, stream, labels, upstream },
      ...known,
    };
    teller.observe(rule, [fingerprint, cell], { ...observation, parts: reading?.parts }, telling);
    return fingerprint;
  }

  #known(
    { condition }: AlertRule,
    cell: AlertCell | undefined,
    { row, telling }: { readonly row: JudgedRow; readonly telling: Telling },
  ): AlertCell | undefined {
    if (cell === undefined || condition.kind !== 'absence' || row.revision > 0) return cell;
    return this.options.gate.beforeRow(condition, cell, row.windowEndMs, telling);
  }

  #read(rule: AlertRule, row: JudgedRow, fingerprint: string): Reading | undefined {
    if (row.retracted === true) return undefined;
    const { past, kinds } = this.options;
    const { stream, key, windowStartMs, windowEndMs, measures } = row;
    const { condition } = rule;
    const before = windowsKept(rule) > 0 ? past.of(rule, fingerprint) : undefined;
    const quantity = sampleValue(rule, measures);
    const custom = {
      kind: condition.kind === 'custom' ? kinds.get(condition.className) : undefined,
      row: { stream, key, windowStartMs, windowEndMs, measures },
    };
    const isEnough = hasSamples(rule, measures);
    const reading = isEnough
      ? readingOf(rule, quantity, { windowEndMs, past: before ?? NO_PAST, custom })
      : undefined;
    const value = condition.kind === 'custom' ? reading?.value : quantity;
    if (before !== undefined && value !== undefined)
      past.put(rule, fingerprint, { endMs: windowEndMs, value });
    return reading;
  }

  #isWarmingUp({ warmUpMs = 0 }: AlertRule, { task, stream, windowEndMs }: JudgedRow): boolean {
    return warmUpMs > 0 && windowEndMs < this.options.beginnings.of(task, stream) + warmUpMs;
  }

  #hasRoom(rule: AlertRule, observation: AlertObservation): boolean {
    if (observation.kind !== 'sample') return false;
    if (this.options.book.countsOf(rule.name).tracked < MAX_TRACKED) return true;
    this.refused++;
    return false;
  }
}

function observationOf(row: JudgedRow, reading: Reading | undefined): AlertObservation | undefined {
  const { windowStartMs, windowEndMs } = row;
  const window = { windowStartMs, windowEndMs };
  const verdict = reading?.verdict === undefined ? {} : { verdict: reading.verdict };
  if (row.revision > 0 || row.retracted === true)
    return {
      kind: 'correction',
      ...window,
      ...(reading === undefined ? {} : { value: reading.value }),
      ...verdict,
    };
  return reading && { kind: 'sample', ...window, value: reading.value, ...verdict };
}
