import { alertFingerprint } from '../alert-identity.js';
import type { AlertRule } from '../alert-rule.js';
import { isActive, NEVER_JUDGED_MS } from '../alert-state.js';
import { addHit, hitsOf, type PatternCondition, type PatternMatch } from '../kinds/pattern.js';
import type { AlertBook } from './alert-book.js';
import { type AlertCell, EVENTS } from './alert-cell.js';
import type { AlertTeller, Telling } from './alert-teller.js';

/** Label sets of a pattern that are remembered at once. */
const MAX_TRACKED = 10_000;

/** Judges events that a pattern rule has found. */
export class PatternJudge {
  /** Matches that were not judged since a rule has too many label sets. */
  refused = 0;

  constructor(
    private readonly pipeline: string,
    private readonly book: AlertBook,
    private readonly teller: AlertTeller,
  ) {}

  /** @returns the fingerprint of what was judged */
  judge(
    rule: AlertRule & { readonly condition: PatternCondition },
    match: PatternMatch,
    telling: Telling,
  ): string | undefined {
    const labels = { ...rule.labels, ...match.labels, stream: match.stream };
    const fingerprint = alertFingerprint(this.pipeline, rule.name, labels);
    const known = this.book.get(fingerprint);
    if (known === undefined && this.book.countsOf(rule.name).tracked >= MAX_TRACKED) {
      this.refused++;
      return undefined;
    }
    const hits = addHit(rule.condition, known?.hits ?? [], match);
    const total = hitsOf(hits);
    const base = { rule: rule.name, stream: match.stream, labels, upstream: EVENTS, ...rested(known), hits };
    if (total < rule.condition.times) {
      this.book.put(fingerprint, { state: { status: 'inactive', judgedUntilMs: match.lastMs }, ...base });
      return fingerprint;
    }
    // An event is a window of no length. Of several in one commit the first begins the episode, the last holds it up.
    const times = match.firstMs < match.lastMs ? [match.firstMs, match.lastMs] : [match.lastMs];
    for (const timeMs of times) {
      const cell = { ...base, ...withHits(this.book.get(fingerprint), known, hits) };
      const window = { windowStartMs: timeMs, windowEndMs: timeMs };
      const sample = { kind: 'sample', ...window, value: total, verdict: 'breach' } as const;
      this.teller.observe(rule, [fingerprint, cell], sample, telling);
    }
    return fingerprint;
  }
}

/** What is over does not forbid an event of an earlier time: events come in no order. */
function rested(cell: AlertCell | undefined): Partial<AlertCell> {
  if (cell === undefined || isActive(cell.state)) return cell ?? {};
  return { ...cell, state: { ...cell.state, judgedUntilMs: NEVER_JUDGED_MS } };
}

function withHits(
  now: AlertCell | undefined,
  before: AlertCell | undefined,
  hits: AlertCell['hits'],
): Partial<AlertCell> {
  return now === undefined || now === before ? {} : { ...now, ...(hits === undefined ? {} : { hits }) };
}
