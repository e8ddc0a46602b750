import type { AlertEvent, AlertKind, PatternMatch, Silence, Telling } from '#libs/alerting';
import type { Moment, Outputs, RunScope, TaskInput, TaskLogic, Urgency } from '#libs/functions';
import type { Clock, JsonValue } from '#libs/kernel';
import { FACTS } from '#libs/observability';
import { alertRulesVersion, type PipelineDefinition } from '#libs/pipeline';
import type { ResultRow } from '#libs/storage';
import { AlertParts } from './alert-parts.js';
import { AlertPublisher, type AlertPublisherOptions } from './alert.publisher.js';
import { NotificationPublisher } from './notification.publisher.js';
import type { ReceiversOptions } from './receivers/receivers.js';
import { RULES_CELL, RulesInUse } from './rules-in-use.js';

export interface AlertTaskOptions extends AlertPublisherOptions {
  readonly pipeline: PipelineDefinition;
  /** The pipeline with the rules that are to be judged by now. Default: `pipeline`, for ever. */
  readonly current?: () => PipelineDefinition;
  readonly clock: Clock;
  /** Those that are stored. Default: none. */
  readonly silences?: () => readonly Silence[];
  /** Rules of one's own, by the names of their classes. */
  readonly kinds?: ReadonlyMap<string, AlertKind>;
  /** What sending needs. Absent: receivers are told nothing. */
  readonly sending?: Pick<ReceiversOptions, 'random' | 'secrets' | 'post'>;
}

/**
 * Judges complete rows and matched events by the alert rules of a pipeline, and says who is told of it.
 *
 * T1. Transitions, the groups they are told in, and what receivers are still to be sent are one state: a commit holds
 *     all of it or nothing, so that each transition is one message, and each notification one, whatever dies when.
 * T2. Other rules begin at a commit's boundary, from what that commit holds, as they would behind a restart there; the
 *     next commit says which they are. So a process that dies at the change comes to the same.
 */
export class AlertTaskLogic implements TaskLogic {
  readonly #publisher: AlertPublisher;
  readonly #notifications: NotificationPublisher;
  readonly #rules: RulesInUse;
  #parts: AlertParts;
  #run: RunScope | undefined;
  /** Everything in memory is in the last commit. */
  #isAtBoundary = false;
  #isTransitionWaiting = false;
  #isChangeWaiting = false;

  constructor(private readonly options: AlertTaskOptions) {
    this.#publisher = new AlertPublisher(options);
    this.#notifications = new NotificationPublisher(options);
    this.#rules = new RulesInUse(options.pipeline.name, options.telemetry);
    this.#parts = new AlertParts(this.#wanted, options);
  }

  begin(run: RunScope): void {
    this.#run = run;
  }

  restore(cells: ReadonlyMap<string, JsonValue>): void {
    this.#parts = new AlertParts(this.#wanted, this.options);
    this.#rules.restore(cells.get(RULES_CELL), alertRulesVersion(this.#parts.pipeline));
    this.#parts.restore(cells);
    this.#parts.start(this.#run);
    this.#isAtBoundary = false;
  }

  apply(input: TaskInput, outputs: Outputs): void {
    const telling = this.#telling(outputs);
    this.#takeRules(telling);
    const { engine } = this.#parts;
    for (const item of input.frame.items as readonly (ResultRow | PatternMatch)[]) {
      if ('match' in item) engine.match(item, telling);
      else engine.row(item, telling);
    }
    const upstream = upstreamOf(input, this.options.pipeline.name);
    if (upstream === undefined) return;
    for (const [stream, { watermarkMs }] of Object.entries(input.frame.header.progress ?? {})) {
      if (watermarkMs !== undefined) engine.advance({ upstream, stream, watermarkMs }, telling);
    }
  }

  tick(_moment: Moment, outputs: Outputs): void {
    const telling = this.#telling(outputs);
    this.#takeRules(telling);
    this.#parts.engine.tick(telling);
    if (this.#parts.receivers.settle()) this.#isChangeWaiting = true;
    this.#speak(outputs);
  }

  flush(): 'done' {
    this.#isTransitionWaiting = false;
    this.#isChangeWaiting = false;
    this.#countRefused();
    return 'done';
  }

  *changes(): Iterable<readonly [name: string, value: JsonValue | undefined]> {
    yield* this.#rules.changes();
    yield* this.#parts.changes();
    this.#isAtBoundary = true;
  }

  *cells(): Iterable<readonly [name: string, value: JsonValue]> {
    yield* this.#rules.cells();
    yield* this.#parts.cells();
  }

  urgency(): Urgency {
    if (this.#isTransitionWaiting || (!this.#isAtBoundary && this.#areRulesWaiting)) return 'now';
    return this.#isChangeWaiting ? 'soon' : 'pace';
  }

  get #wanted(): PipelineDefinition {
    return this.options.current?.() ?? this.options.pipeline;
  }

  get #areRulesWaiting(): boolean {
    return this.#wanted !== this.#parts.pipeline;
  }

  /** T2: what is in memory is what the last commit holds, so that this is a restart there, without the pause. */
  #takeRules(telling: Telling): void {
    const isDue = this.#isAtBoundary && this.#areRulesWaiting;
    this.#isAtBoundary = false;
    if (!isDue) return;
    const cells = JSON.stringify([...this.cells()]);
    const sent = this.#parts.receivers.stop();
    this.#parts = new AlertParts(this.#wanted, this.options);
    this.#rules.use(alertRulesVersion(this.#parts.pipeline));
    this.#parts.restore(new Map(JSON.parse(cells) as [string, JsonValue][]));
    this.#parts.start(this.#run, sent);
    // What ends with the rules before is told at once.
    this.#parts.engine.tick(telling);
    this.#isChangeWaiting = true;
  }

  /** Groups speak by the wall clock. */
  #speak(outputs: Outputs): void {
    const { clock, silences } = this.options;
    const nowMs = clock.nowMs();
    const { groups, receivers } = this.#parts;
    if (groups.nextDueMs > nowMs) return;
    this.#isChangeWaiting = true;
    for (const notification of groups.flush(nowMs, silences?.() ?? [])) {
      this.#notifications.publish(notification, outputs);
      receivers.notify(notification, nowMs, outputs);
    }
  }

  #telling(outputs: Outputs): Telling {
    const nowMs = this.options.clock.nowMs();
    return { nowMs, sink: { alert: (event, atMs) => this.#tell(event, { atMs, nowMs }, outputs) } };
  }

  #tell(
    event: AlertEvent,
    { atMs, nowMs }: { readonly atMs: number; readonly nowMs: number },
    outputs: Outputs,
  ): void {
    this.#publisher.publish(event, atMs, outputs);
    this.#parts.groups.take(event, nowMs);
    this.#parts.receivers.alert(event, nowMs, outputs);
    this.#isTransitionWaiting = true;
  }

  #countRefused(): void {
    const { telemetry, pipeline } = this.options;
    const { engine, groups } = this.#parts;
    const refused = engine.takeRefused();
    if (refused > 0) telemetry.record(FACTS.alertRowsRefused, { pipeline: pipeline.name }, refused);
    if (groups.refused > 0)
      telemetry.record(FACTS.alertsUngrouped, { pipeline: pipeline.name }, groups.refused);
    groups.refused = 0;
  }
}

/** The partition of the global task that sent it; undefined: another stage did, whose watermarks say nothing of rows. */
function upstreamOf({ producer }: TaskInput, pipeline: string): number | undefined {
  const prefix = `${pipeline}/global/`;
  return producer?.startsWith(prefix) === true ? Number(producer.slice(prefix.length)) : undefined;
}
