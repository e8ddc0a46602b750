import {
  type AlertEvent,
  alertEvent,
  alertFingerprint,
  type AlertObservation,
  alertRemovedEvent,
  type AlertRule,
  type AlertTransition,
  decideTransitions,
  isActive,
  sampleValue,
} from '#libs/alerting';
import type { Moment, Outputs, TaskInput, TaskLogic, Urgency } from '#libs/functions';
import type { Clock, JsonValue } from '#libs/kernel';
import type { StreamProgress } from '#libs/messaging';
import type { PipelineDefinition } from '#libs/pipeline';
import type { ResultRow } from '#libs/storage';
import { settlingMs } from '#libs/windowing';
import { type AlertCell, AlertCells } from './alert-cells.js';
import { AlertPublisher, type AlertPublisherOptions } from './alert.publisher.js';

export interface AlertTaskOptions extends AlertPublisherOptions {
  readonly pipeline: PipelineDefinition;
  readonly clock: Clock;
}

/**
 * Judges complete rows by the alert rules of a pipeline. Corrections of a row are not judged again: an alert says
 * what was known when its window completed.
 *
 * T1. The rows of one alert all come from one global task, and in the order of their windows' ends. Its silence is
 *     judged by the watermark of that task alone: so what becomes of it depends on one numbered sequence of messages,
 *     and never on how the messages of several tasks happen to mix.
 */
export class AlertTaskLogic implements TaskLogic {
  readonly #rules: ReadonlyMap<string, AlertRule>;
  readonly #rulesOfSeries: ReadonlyMap<string, readonly AlertRule[]>;
  readonly #settlingOfSeries: ReadonlyMap<string, number>;
  readonly #publisher: AlertPublisher;
  #cells = new AlertCells();
  #isTransitionWaiting = false;
  #mayHoldOldRules = false;

  constructor(private readonly options: AlertTaskOptions) {
    const { alerts, series } = options.pipeline;
    this.#rules = new Map(alerts.map((rule) => [rule.name, rule]));
    this.#rulesOfSeries = Map.groupBy(alerts, (rule) => rule.series);
    this.#settlingOfSeries = new Map(series.map((each) => [each.name, settlingMs(each)]));
    this.#publisher = new AlertPublisher(options);
  }

  restore(cells: ReadonlyMap<string, JsonValue>): void {
    this.#cells = new AlertCells(cells);
    this.#mayHoldOldRules = cells.size > 0;
  }

  apply(input: TaskInput, outputs: Outputs): void {
    for (const row of input.frame.items as readonly ResultRow[]) this.#judgeRow(row, outputs);
    const upstream = upstreamOf(input, this.options.pipeline.name);
    if (upstream === undefined) return;
    for (const [stream, progress] of Object.entries(input.frame.header.progress ?? {})) {
      this.#advance({ upstream, stream, progress }, outputs);
    }
  }

  tick(_moment: Moment, outputs: Outputs): void {
    if (this.#mayHoldOldRules) this.#endRemovedRules(outputs);
  }

  flush(): 'done' {
    this.#isTransitionWaiting = false;
    return 'done';
  }

  changes(): Iterable<readonly [name: string, value: JsonValue | undefined]> {
    return this.#cells.changes();
  }

  cells(): Iterable<readonly [name: string, value: JsonValue]> {
    return this.#cells.cells();
  }

  urgency(): Urgency {
    return this.#isTransitionWaiting ? 'now' : 'pace';
  }

  #judgeRow(row: ResultRow, outputs: Outputs): void {
    if (row.revision > 0 || row.retracted === true) return;
    for (const rule of this.#rulesOfSeries.get(row.series) ?? []) {
      const value = sampleValue(rule, row.measures);
      if (value === undefined) continue;
      const { windowStartMs, windowEndMs, stream } = row;
      const labels = { ...row.key, stream };
      const fingerprint = alertFingerprint(this.options.pipeline.name, rule.name, labels);
      const sample = { kind: 'sample', windowStartMs, windowEndMs, value } as const;
      const known = { rule: rule.name, stream, labels, upstream: row.task, ...this.#cells.get(fingerprint) };
      this.#observe(fingerprint, { cell: known, observation: sample }, outputs);
      // A row may be so late that its stream has been silent for long after it.
      this.#tellWatermark(fingerprint, this.#cells.watermarkMs(row.task, stream), outputs);
    }
  }

  #advance(
    { upstream, stream, progress }: { upstream: number; stream: string; progress: StreamProgress },
    outputs: Outputs,
  ): void {
    const { watermarkMs } = progress;
    if (watermarkMs === undefined || !this.#cells.advance(upstream, stream, watermarkMs)) return;
    for (const [fingerprint, cell] of this.#cells.of(upstream, stream)) {
      if (isActive(cell.state)) this.#tellWatermark(fingerprint, watermarkMs, outputs);
      else if (this.#isOver(cell, watermarkMs)) this.#cells.remove(fingerprint, cell);
    }
  }

  /** No row that comes now can be one that was judged already: there is nothing left to remember. */
  #isOver({ rule, state }: AlertCell, watermarkMs: number): boolean {
    const series = this.#rules.get(rule)?.series ?? '';
    return state.judgedUntilMs <= watermarkMs - (this.#settlingOfSeries.get(series) ?? 0);
  }

  #tellWatermark(fingerprint: string, watermarkMs: number, outputs: Outputs): void {
    const cell = this.#cells.get(fingerprint);
    if (cell !== undefined)
      this.#observe(fingerprint, { cell, observation: { kind: 'watermark', watermarkMs } }, outputs);
  }

  #observe(
    fingerprint: string,
    {
      cell,
      observation,
    }: { cell: Omit<AlertCell, 'state'> & Partial<AlertCell>; observation: AlertObservation },
    outputs: Outputs,
  ): void {
    const rule = this.#rules.get(cell.rule);
    if (rule === undefined) return;
    const { state, transitions } = decideTransitions(rule, cell.state, observation);
    if (state === cell.state) return;
    let next: AlertCell = { ...cell, state };
    for (const transition of transitions) next = this.#tell(next, { rule, transition }, outputs);
    this.#cells.put(fingerprint, next);
  }

  #tell(
    cell: AlertCell,
    { rule, transition }: { rule: AlertRule; transition: AlertTransition },
    outputs: Outputs,
  ): AlertCell {
    const subject = { pipeline: this.options.pipeline.name, rule, labels: cell.labels };
    const event = alertEvent(subject, transition, this.options.clock.nowMs());
    this.#publish(event, transition.atMs, outputs);
    return { ...cell, told: event };
  }

  #publish(event: AlertEvent, atMs: number, outputs: Outputs): void {
    this.#publisher.publish(event, atMs, outputs);
    this.#isTransitionWaiting = true;
  }

  /** A rule that is gone from the file would leave its alerts firing for ever. */
  #endRemovedRules(outputs: Outputs): void {
    this.#mayHoldOldRules = false;
    for (const [fingerprint, cell] of [...this.#cells.all()]) {
      if (this.#rules.has(cell.rule)) continue;
      const { state, told } = cell;
      if (isActive(state) && told !== undefined) {
        this.#publish(alertRemovedEvent(told, state.judgedUntilMs), state.judgedUntilMs, outputs);
      }
      this.#cells.remove(fingerprint, cell);
    }
  }
}

/** The partition of the global task that sent it; undefined: another stage did, whose watermarks say nothing of rows. */
function upstreamOf({ producer }: TaskInput, pipeline: string): number | undefined {
  const prefix = `${pipeline}/global/`;
  return producer?.startsWith(prefix) === true ? Number(producer.slice(prefix.length)) : undefined;
}
