import type { AlertRule } from '../alert-rule.js';
import { isActive } from '../alert-state.js';
import { type AbsenceCondition, isAbsenceJudged } from '../kinds/absence.js';
import type { AlertBook } from './alert-book.js';
import type { AlertCell } from './alert-cell.js';
import type { Telling } from './alert-teller.js';
import type { StallWatch } from './stall-watch.js';
import type { StreamClocks } from './stream-clocks.js';

/** What is to be done about a silence. `hold`: it is not judged now. */
export type AbsenceDecision =
  | { readonly kind: 'judge'; readonly cell: AlertCell }
  | { readonly kind: 'hold' }
  /** The stream is no live one: nobody misses it. */
  | { readonly kind: 'forget' };

/** Decides whether a silence is the stream's own. */
export class AbsenceGate {
  constructor(
    private readonly book: AlertBook,
    private readonly clocks: StreamClocks,
    private readonly stall: StallWatch,
    private readonly rules: ReadonlyMap<string, AlertRule>,
  ) {}

  decide(condition: AbsenceCondition, cell: AlertCell, telling: Telling): AbsenceDecision {
    if (isActive(cell.state)) return { kind: 'judge', cell };
    const { judgedUntilMs } = cell.state;
    if (!isAbsenceJudged(condition, judgedUntilMs, telling.nowMs)) return { kind: 'forget' };
    if (this.stall.isStalled) return { kind: 'hold' };
    const fromMs = Math.max(judgedUntilMs, this.stall.absenceFromMs);
    const dueMs = fromMs + condition.afterMs;
    if (this.clocks.watermarkMs(cell.upstream, cell.stream) >= dueMs && this.#areAllSilent(cell, dueMs)) {
      this.stall.begin('silent', dueMs, telling);
      if (this.stall.isStalled) return { kind: 'hold' };
    }
    return { kind: 'judge', cell: { ...cell, state: { ...cell.state, judgedUntilMs: fromMs } } };
  }

  /**
   * What a row finds: a silence before it that is not judged is as if it had not been. (A row shows a silence as well as
   * a watermark does.)
   */
  beforeRow(condition: AbsenceCondition, cell: AlertCell, windowEndMs: number, telling: Telling): AlertCell {
    if (isActive(cell.state)) return cell;
    const decision = this.decide(condition, cell, telling);
    if (decision.kind === 'judge') return decision.cell;
    return {
      ...cell,
      state: { ...cell.state, judgedUntilMs: Math.max(cell.state.judgedUntilMs, windowEndMs - 1) },
    };
  }

  /**
   * Has every other live stream been silent for half as long: then it is not this stream that is missing. Needs at
   * least two streams; one that lags may still have something to say.
   */
  #areAllSilent(cell: AlertCell, dueMs: number): boolean {
    const newest = new Map<string, number>();
    for (const [, other] of this.book.all()) {
      const condition = this.rules.get(other.rule)?.condition;
      if (condition?.kind !== 'absence' || other.stream === cell.stream) continue;
      if (dueMs - other.state.judgedUntilMs > condition.withinMs) continue;
      newest.set(other.stream, Math.max(newest.get(other.stream) ?? -Infinity, lastRowMs(other)));
    }
    const silentFromMs = dueMs - (dueMs - cell.state.judgedUntilMs) / 2;
    return (
      newest.size > 0 &&
      [...newest].every(
        ([stream, lastMs]) => lastMs <= silentFromMs && this.clocks.leastWatermarkMs(stream) >= silentFromMs,
      )
    );
  }
}

/** Of one that is absent already, it is before its silence was told. */
function lastRowMs({ state }: AlertCell): number {
  return isActive(state) ? (state.episode?.startMs ?? state.judgedUntilMs) : state.judgedUntilMs;
}
