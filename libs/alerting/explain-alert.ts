import { formatDuration } from '#libs/kernel';
import { type AlertEvent, conditionOf } from './alert-event.js';
import type { AlertRule } from './alert-rule.js';
import { hasSamples, readingOf, sampleValue } from './alert-sample.js';
import { type AlertState, decideTransitions, NEVER_JUDGED_MS } from './alert-state.js';
import type { JudgedRow } from './engine/judged-row.js';
import { windowsKept } from './engine/past-book.js';
import { type Reading, type Verdict, verdictOf } from './kinds/condition.js';
import { PastWindows } from './kinds/past-windows.js';

/** What is asked of: why is the alert of this rule and these labels (not) firing. */
export interface AlertQuestion {
  readonly rule: AlertRule;
  /** The complete rows of its series, stream and key, oldest first; the newest of them at least. */
  readonly rows: readonly JudgedRow[];
  /** How far its stream has come. Undefined: nobody has said. */
  readonly watermarkMs?: number;
  /** The last transition that was told. Undefined: there was none. */
  readonly told?: AlertEvent;
}

/** A row, and what it says to the rule. */
export interface ReadRow {
  readonly windowStart: string;
  readonly windowEnd: string;
  /** Undefined: it says nothing; `why` has the reason. */
  readonly value?: number;
  readonly parts?: Readonly<Record<string, number>>;
  readonly verdict?: Verdict;
  readonly why?: string;
}

export interface AlertExplanation {
  readonly status: AlertState['status'];
  readonly isFiring: boolean;
  /** A sentence. */
  readonly reason: string;
  readonly condition: AlertEvent['condition'];
  /** Newest first. */
  readonly rows: readonly ReadRow[];
}

const SHOWN_ROWS = 10;

/**
 * Judges the stored rows again, and says what came of it. Corrected rows are seen as they are now; where that differs
 * from what was told, what was told stands.
 */
export function explainAlert(question: AlertQuestion): AlertExplanation {
  const { rule, told, watermarkMs } = question;
  const { rows, state } = judgeAgain(question);
  const observed =
    watermarkMs === undefined
      ? state
      : decideTransitions(rule, state, { kind: 'watermark', watermarkMs }).state;
  const status = told === undefined ? observed.status : told.status;
  return {
    status,
    isFiring: status === 'firing' || status === 'recovering',
    reason: reasonOf(question, rows.at(-1), { ...observed, status }),
    condition: conditionOf(rule),
    rows: rows.slice(-SHOWN_ROWS).reverse(),
  };
}

function judgeAgain({ rule, rows }: AlertQuestion): { readonly rows: ReadRow[]; readonly state: AlertState } {
  const past = new PastWindows(rule.everyMs ?? 1, (windowsKept(rule) + 1) * (rule.everyMs ?? 1));
  let state: AlertState = { status: 'inactive', judgedUntilMs: NEVER_JUDGED_MS };
  const read = rows.map((row): ReadRow => {
    const { windowStartMs, windowEndMs, measures } = row;
    const quantity = sampleValue(rule, measures);
    const isEnough = hasSamples(rule, measures);
    const reading = isEnough ? readingOf(rule, quantity, { windowEndMs, past }) : undefined;
    if (quantity !== undefined) past.put(windowEndMs, quantity);
    if (reading !== undefined) {
      const sample = { kind: 'sample', windowStartMs, windowEndMs, ...reading } as const;
      state = decideTransitions(rule, state, sample).state;
    }
    return shown(rule, row, { reading, quantity });
  });
  return { rows: read, state };
}

function shown(
  rule: AlertRule,
  { windowStartMs, windowEndMs, measures }: JudgedRow,
  { reading, quantity }: { readonly reading: Reading | undefined; readonly quantity: number | undefined },
): ReadRow {
  const window = { windowStart: iso(windowStartMs), windowEnd: iso(windowEndMs) };
  if (reading !== undefined) {
    const { value, parts, verdict = verdictOf(rule.condition, value) } = reading;
    return { ...window, value, ...(parts === undefined ? {} : { parts }), verdict };
  }
  const { minSamples, condition } = rule;
  if (minSamples !== undefined && !hasSamples(rule, measures)) {
    const found = String(measures[minSamples.measure] ?? 'none');
    return {
      ...window,
      why: `${minSamples.measure} is ${found}, and at least ${minSamples.atLeast} are needed`,
    };
  }
  if (quantity === undefined) return { ...window, why: `${condition.expression} has no value in it` };
  return { ...window, why: 'there are not enough earlier windows to compare with' };
}

function reasonOf(question: AlertQuestion, newest: ReadRow | undefined, state: AlertState): string {
  const { rule, told, watermarkMs } = question;
  const { condition } = rule;
  if (condition.kind === 'pattern') return patternReason(rule, told);
  if (condition.kind === 'custom') return customReason(condition.className, told);
  if (newest === undefined) return `no complete row of ${rule.series} with these labels is stored`;
  if (condition.kind === 'absence')
    return `the last row ended at ${newest.windowEnd}; it fires when none has come for ${formatDuration(condition.afterMs)} of the stream's time, which has come to ${watermarkMs === undefined ? 'nowhere yet' : iso(watermarkMs)}`;
  return `${rowReason(rule, newest)}${statusReason(rule, state)}`;
}

/** Only the class knows. */
function customReason(className: string, told: AlertEvent | undefined): string {
  if (told === undefined) return `the class ${className} has found no breach`;
  return `the class ${className} has said so at ${told.since}${told.value === null ? '' : `, of the value ${short(told.value)}`}`;
}

function patternReason({ condition, noDataAfterMs }: AlertRule, told: AlertEvent | undefined): string {
  const quiet = formatDuration(noDataAfterMs);
  if (told === undefined) return `no event where ${condition.expression} has been seen`;
  return told.status === 'firing'
    ? `an event where ${condition.expression} came at ${told.firedAt ?? told.since}; it ends when none has come for ${quiet}`
    : `the last event where ${condition.expression} is more than ${quiet} ago`;
}

function rowReason(rule: AlertRule, row: ReadRow): string {
  if (row.value === undefined) return `the row until ${row.windowEnd} says nothing: ${row.why ?? 'no value'}`;
  const { direction, clearLimit, limit } = rule.condition;
  const unit = unitOf(rule);
  const among =
    rule.windows === undefined
      ? ''
      : `; it needs ${rule.windows.breaching} of ${rule.windows.of} rows to be so`;
  const read = readReason(rule, row, row.value);
  if (row.verdict === 'breach') return `${read}, which is ${direction} ${limit}${unit}${among}`;
  const not = `${read}, which is not ${direction} ${limit}${unit}`;
  return row.verdict === 'between'
    ? `${not}, but not past ${clearLimit ?? limit}${unit} either`
    : `${not}${among}`;
}

function readReason(rule: AlertRule, { parts = {}, windowEnd }: ReadRow, value: number): string {
  const made = Object.entries(parts).map(([part, number]) => `${part} ${short(number)}`);
  const madeOf = made.length === 0 ? '' : ` (${made.join(', ')})`;
  return `${nameOf(rule)} was ${short(value)}${unitOf(rule)}${madeOf} in the row until ${windowEnd}`;
}

function nameOf({ condition: { kind, expression } }: AlertRule): string {
  if (kind === 'change') return `the change of ${expression}`;
  return kind === 'spike' ? `the distance of ${expression}, in deviations,` : expression;
}

function unitOf({ condition }: AlertRule): string {
  return condition.kind === 'change' && condition.unit === 'percent' ? '%' : '';
}

function statusReason(rule: AlertRule, { status, episode, clearSinceMs }: AlertState): string {
  switch (status) {
    case 'pending':
      return `; it fires when that has held for ${formatDuration(rule.forMs)}, at the earliest at ${iso((episode?.breachedSinceMs ?? 0) + rule.forMs)}`;
    case 'recovering':
      return `; it is resolved when that has held for ${formatDuration(rule.keepFiringForMs ?? 0)}${clearSinceMs === undefined ? '' : `, at ${iso(clearSinceMs + (rule.keepFiringForMs ?? 0))}`}`;
    case 'nodata':
      return `; no row has come since, for more than ${formatDuration(rule.noDataAfterMs)}`;
    default:
      return '';
  }
}

function short(value: number): string {
  return String(Number(value.toPrecision(6)));
}

function iso(timeMs: number): string {
  return new Date(timeMs).toISOString();
}
