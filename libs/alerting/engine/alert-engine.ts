import type { JsonValue } from '#libs/kernel';
import type { AlertPolicy } from '../alert-policy.js';
import type { AlertRule } from '../alert-rule.js';
import { isForgettable, waitsForTime } from '../alert-state.js';
import type { AlertKind } from '../kinds/custom.js';
import type { PatternCondition, PatternMatch } from '../kinds/pattern.js';
import { AbsenceGate } from './absence-gate.js';
import { AlertBook } from './alert-book.js';
import { type AlertCell, EVENTS, judgedBy } from './alert-cell.js';
import { AlertTeller, type Telling } from './alert-teller.js';
import type { JudgedRow } from './judged-row.js';
import { PastBook } from './past-book.js';
import { PatternJudge } from './pattern-judge.js';
import { RowJudge } from './row-judge.js';
import { StallWatch } from './stall-watch.js';
import { Storms } from './storms.js';
import { StreamBeginnings } from './stream-beginnings.js';
import { StreamClocks } from './stream-clocks.js';

export interface AlertEngineOptions {
  readonly pipeline: string;
  readonly rules: readonly AlertRule[];
  readonly policy: AlertPolicy;
  /** How many global tasks make rows. */
  readonly upstreamTasks: number;
  /** For how long after its end a row of the series can change, in milliseconds. */
  readonly settlingMs: (series: string) => number;
  /** Rules of one's own, by the names of their classes. */
  readonly kinds?: ReadonlyMap<string, AlertKind>;
}

/** One part of the state, under a prefix of its own. */
interface Part {
  load(name: string, value: JsonValue): void;
  changes(): Iterable<readonly [name: string, value: JsonValue | undefined]>;
  cells(): Iterable<readonly [name: string, value: JsonValue]>;
}

/**
 * Every alert of a pipeline: takes rows, matches and watermarks, and tells transitions.
 *
 * E1. The rows of one alert all come from one global task, and in the order of their windows' ends. Its silence is
 *     judged by the watermark of that task alone: so what becomes of it depends on one numbered sequence of messages,
 *     and never on how the messages of several tasks happen to mix. (Patterns, storms and stalls look at all of them.)
 */
export class AlertEngine {
  readonly #rules: ReadonlyMap<string, AlertRule>;
  readonly #rulesOfSeries: ReadonlyMap<string, readonly AlertRule[]>;
  readonly #hasWarmUp: boolean;
  readonly #book = new AlertBook();
  readonly #beginnings = new StreamBeginnings();
  readonly #clocks: StreamClocks;
  readonly #past: PastBook;
  readonly #storms: Storms;
  readonly #stall: StallWatch;
  readonly #teller: AlertTeller;
  readonly #judge: RowJudge;
  readonly #patterns: PatternJudge;
  readonly #gate: AbsenceGate;
  readonly #parts: Readonly<Record<string, Part>>;
  #mayHoldOldRules = false;

  constructor(private readonly options: AlertEngineOptions) {
    const { pipeline, rules, policy, upstreamTasks, kinds = new Map() } = options;
    this.#rules = new Map(rules.map((rule) => [rule.name, rule]));
    this.#rulesOfSeries = Map.groupBy(rules, ({ series }) => series);
    this.#hasWarmUp = rules.some(({ warmUpMs = 0 }) => warmUpMs > 0);
    this.#clocks = new StreamClocks(upstreamTasks);
    this.#past = new PastBook(this.#rules);
    this.#storms = new Storms(pipeline, this.#book);
    this.#stall = new StallWatch(pipeline, policy.stall, this.#clocks);
    this.#teller = new AlertTeller(pipeline, this.#book, this.#storms);
    this.#gate = new AbsenceGate(this.#book, this.#clocks, this.#stall, this.#rules);
    const state = { book: this.#book, past: this.#past, beginnings: this.#beginnings };
    this.#judge = new RowJudge({ pipeline, ...state, teller: this.#teller, gate: this.#gate, kinds });
    this.#patterns = new PatternJudge(pipeline, this.#book, this.#teller);
    this.#parts = {
      ...{ alert: this.#book, watermark: this.#clocks, past: this.#past },
      ...{ since: this.#beginnings, storm: this.#storms, stall: stallPart(this.#stall) },
    };
  }

  /** Rows and matches that were not judged since a rule has too many label sets; the count starts anew. */
  takeRefused(): number {
    const refused = this.#judge.refused + this.#patterns.refused;
    this.#judge.refused = 0;
    this.#patterns.refused = 0;
    return refused;
  }

  restore(cells: ReadonlyMap<string, JsonValue>): void {
    for (const [name, value] of cells) {
      const slash = name.indexOf('/');
      this.#parts[name.slice(0, slash)]?.load(name.slice(slash + 1), value);
    }
    this.#mayHoldOldRules = cells.size > 0;
  }

  row(row: JudgedRow, telling: Telling): void {
    this.#endOldRules(telling);
    if (this.#hasWarmUp) this.#beginnings.note(row.task, row.stream, row.windowStartMs);
    this.#stall.heard(row.windowEndMs, telling);
    for (const rule of this.#rulesOfSeries.get(row.series) ?? []) {
      const fingerprint = this.#judge.judge(rule, row, telling);
      // A row may be so late that its stream has been silent for long after it.
      if (fingerprint !== undefined)
        this.#tellWatermark(fingerprint, this.#clocks.watermarkMs(row.task, row.stream), telling);
    }
  }

  match(match: PatternMatch, telling: Telling): void {
    this.#endOldRules(telling);
    const rule = this.#rules.get(match.match);
    if (rule === undefined || !isPatternRule(rule)) return;
    const fingerprint = this.#patterns.judge(rule, match, telling);
    if (fingerprint !== undefined)
      this.#tellWatermark(fingerprint, this.#clocks.leastWatermarkMs(match.stream), telling);
  }

  /** What an upstream task says of a stream, behind its rows. */
  advance(
    {
      upstream,
      stream,
      watermarkMs,
    }: { readonly upstream: number; readonly stream: string; readonly watermarkMs: number },
    telling: Telling,
  ): void {
    this.#endOldRules(telling);
    if (!this.#clocks.advance(upstream, stream, { watermarkMs, atMs: telling.nowMs })) return;
    this.#stall.progressed(telling);
    this.#tellMembers(upstream, { stream, watermarkMs }, telling);
    const leastMs = this.#clocks.leastWatermarkMs(stream);
    if (leastMs > -Infinity) this.#tellMembers(EVENTS, { stream, watermarkMs: leastMs }, telling);
  }

  /** Looks at the wall clock. */
  tick(telling: Telling): void {
    this.#endOldRules(telling);
    this.#stall.tick(telling);
  }

  *changes(): Iterable<readonly [name: string, value: JsonValue | undefined]> {
    for (const [prefix, part] of Object.entries(this.#parts))
      for (const [name, value] of part.changes()) yield [`${prefix}/${name}`, value];
  }

  *cells(): Iterable<readonly [name: string, value: JsonValue]> {
    for (const [prefix, part] of Object.entries(this.#parts))
      for (const [name, value] of part.cells()) yield [`${prefix}/${name}`, value];
  }

  #tellMembers(
    upstream: number,
    { stream, watermarkMs }: { readonly stream: string; readonly watermarkMs: number },
    telling: Telling,
  ): void {
    for (const [fingerprint, cell] of this.#book.of(upstream, stream)) {
      const rule = this.#rules.get(cell.rule);
      if (rule === undefined) continue;
      if (waitsForTime(rule, cell.state)) this.#tellWatermark(fingerprint, watermarkMs, telling);
      else this.#forget(rule, [fingerprint, cell], watermarkMs);
    }
  }

  /** No row that comes now can be one that was judged already: there is nothing left to remember. */
  #forget(rule: AlertRule, [fingerprint, cell]: readonly [string, AlertCell], watermarkMs: number): void {
    const settlingMs = this.options.settlingMs(rule.series);
    if (!isForgettable(rule, cell.state, { watermarkMs, settlingMs })) return;
    const newestHitMs = cell.hits?.at(-1)?.[0] ?? -Infinity;
    const withinMs = isPatternRule(rule) ? rule.condition.withinMs : 0;
    if (newestHitMs + withinMs > watermarkMs) return;
    if (this.#past.forgetIfOld(rule, fingerprint, watermarkMs)) this.#book.remove(fingerprint, cell);
  }

  #tellWatermark(fingerprint: string, watermarkMs: number, telling: Telling): void {
    const cell = this.#book.get(fingerprint);
    const rule = cell && this.#rules.get(cell.rule);
    if (cell === undefined || rule === undefined) return;
    const observation = { kind: 'watermark', watermarkMs } as const;
    if (rule.condition.kind !== 'absence') {
      this.#teller.observe(rule, [fingerprint, cell], observation, telling);
      return;
    }
    const decision = this.#gate.decide(rule.condition, cell, telling);
    if (decision.kind === 'forget') this.#book.remove(fingerprint, cell);
    else if (decision.kind === 'judge')
      this.#teller.observe(rule, [fingerprint, decision.cell], observation, telling);
  }

  /** A rule that is gone from the file, or judges something else, would leave its alerts firing for ever. */
  #endOldRules(telling: Telling): void {
    if (!this.#mayHoldOldRules) return;
    this.#mayHoldOldRules = false;
    for (const [fingerprint, cell] of [...this.#book.all()]) {
      const rule = this.#rules.get(cell.rule);
      if (rule === undefined) this.#teller.end(fingerprint, cell, 'rule-removed', telling);
      else if (cell.judgedBy !== undefined && cell.judgedBy !== judgedBy(rule))
        this.#teller.end(fingerprint, cell, 'rule-changed', telling);
    }
    for (const name of this.#storms.rules()) {
      const rule = this.#rules.get(name);
      if (rule === undefined) this.#storms.forget(name, telling);
      else this.#storms.check(rule, { atMs: telling.nowMs }, telling);
    }
  }
}

function isPatternRule(rule: AlertRule): rule is AlertRule & { readonly condition: PatternCondition } {
  return rule.condition.kind === 'pattern';
}

function stallPart(stall: StallWatch): Part {
  return {
    load: (_, value) => stall.load(value),
    changes: () => [...stall.changes()].map(([, value]) => ['pipeline', value] as const),
    cells: () => [...stall.cells()].map(([, value]) => ['pipeline', value] as const),
  };
}
