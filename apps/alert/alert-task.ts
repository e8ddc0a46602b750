import {
  AlertEngine,
  type AlertKind,
  type AlertEvent,
  NotificationGroups,
  type PatternMatch,
  type Silence,
  type Telling,
} from '#libs/alerting';
import type { Moment, Outputs, RunScope, TaskInput, TaskLogic, Urgency } from '#libs/functions';
import type { Clock, JsonValue } from '#libs/kernel';
import { FACTS } from '#libs/observability';
import type { PipelineDefinition } from '#libs/pipeline';
import type { ResultRow } from '#libs/storage';
import { settlingMs } from '#libs/windowing';
import { AlertPublisher, type AlertPublisherOptions } from './alert.publisher.js';
import { NotificationPublisher } from './notification.publisher.js';
import { Receivers, type ReceiversOptions } from './receivers/receivers.js';

export interface AlertTaskOptions extends AlertPublisherOptions {
  readonly pipeline: PipelineDefinition;
  readonly clock: Clock;
  /** Those that are stored. Default: none. */
  readonly silences?: () => readonly Silence[];
  /** Rules of one's own, by the names of their classes. */
  readonly kinds?: ReadonlyMap<string, AlertKind>;
  /** What sending needs. Absent: receivers are told nothing. */
  readonly sending?: Pick<ReceiversOptions, 'random' | 'secrets' | 'post'>;
}

const NOTHING_SENT: NonNullable<AlertTaskOptions['sending']> = { random: () => 0, secrets: new Map() };

/**
 * Judges complete rows and matched events by the alert rules of a pipeline, and says who is told of it.
 *
 * T1. Transitions, the groups they are told in, and what receivers are still to be sent are one state: a commit holds
 *     all of it or nothing, so that each transition is one message, and each notification one, whatever dies when.
 */
export class AlertTaskLogic implements TaskLogic {
  readonly #publisher: AlertPublisher;
  readonly #notifications: NotificationPublisher;
  #engine: AlertEngine;
  #groups: NotificationGroups;
  #receivers: Receivers;
  #run: RunScope | undefined;
  #isTransitionWaiting = false;
  #isChangeWaiting = false;

  constructor(private readonly options: AlertTaskOptions) {
    this.#publisher = new AlertPublisher(options);
    this.#notifications = new NotificationPublisher(options);
    this.#engine = this.#newEngine();
    this.#groups = new NotificationGroups(options.pipeline.name, options.pipeline.alertPolicy);
    this.#receivers = this.#newReceivers();
  }

  begin(run: RunScope): void {
    this.#run = run;
  }

  restore(cells: ReadonlyMap<string, JsonValue>): void {
    this.#engine = this.#newEngine();
    this.#groups = new NotificationGroups(this.options.pipeline.name, this.options.pipeline.alertPolicy);
    this.#receivers = this.#newReceivers();
    const judged = new Map<string, JsonValue>();
    for (const [name, value] of cells) {
      if (name.startsWith(GROUP)) this.#groups.load(name.slice(GROUP.length), value);
      else if (name.startsWith(PENDING)) this.#receivers.load(name.slice(PENDING.length), value);
      else judged.set(name, value);
    }
    this.#engine.restore(judged);
    if (this.#run !== undefined && this.options.sending !== undefined) this.#receivers.begin(this.#run);
    this.#receivers.start();
  }

  apply(input: TaskInput, outputs: Outputs): void {
    const telling = this.#telling(outputs);
    for (const item of input.frame.items as readonly (ResultRow | PatternMatch)[]) {
      if ('match' in item) this.#engine.match(item, telling);
      else this.#engine.row(item, telling);
    }
    const upstream = upstreamOf(input, this.options.pipeline.name);
    if (upstream === undefined) return;
    for (const [stream, { watermarkMs }] of Object.entries(input.frame.header.progress ?? {})) {
      if (watermarkMs !== undefined) this.#engine.advance({ upstream, stream, watermarkMs }, telling);
    }
  }

  tick(_moment: Moment, outputs: Outputs): void {
    this.#engine.tick(this.#telling(outputs));
    if (this.#receivers.settle()) this.#isChangeWaiting = true;
    this.#speak(outputs);
  }

  flush(): 'done' {
    this.#isTransitionWaiting = false;
    this.#isChangeWaiting = false;
    this.#countRefused();
    return 'done';
  }

  *changes(): Iterable<readonly [name: string, value: JsonValue | undefined]> {
    yield* this.#engine.changes();
    for (const [name, value] of this.#groups.changes()) yield [GROUP + name, value];
    for (const [name, value] of this.#receivers.changes()) yield [PENDING + name, value];
  }

  *cells(): Iterable<readonly [name: string, value: JsonValue]> {
    yield* this.#engine.cells();
    for (const [name, value] of this.#groups.all()) yield [GROUP + name, value];
    for (const [name, value] of this.#receivers.cells()) yield [PENDING + name, value];
  }

  urgency(): Urgency {
    if (this.#isTransitionWaiting) return 'now';
    return this.#isChangeWaiting ? 'soon' : 'pace';
  }

  /** Groups speak by the wall clock. */
  #speak(outputs: Outputs): void {
    const { clock, silences } = this.options;
    const nowMs = clock.nowMs();
    if (this.#groups.nextDueMs > nowMs) return;
    this.#isChangeWaiting = true;
    for (const notification of this.#groups.flush(nowMs, silences?.() ?? [])) {
      this.#notifications.publish(notification, outputs);
      this.#receivers.notify(notification, nowMs, outputs);
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
    this.#groups.take(event, nowMs);
    this.#receivers.alert(event, nowMs, outputs);
    this.#isTransitionWaiting = true;
  }

  #countRefused(): void {
    const { telemetry, pipeline } = this.options;
    const refused = this.#engine.takeRefused();
    if (refused > 0) telemetry.record(FACTS.alertRowsRefused, { pipeline: pipeline.name }, refused);
    if (this.#groups.refused > 0)
      telemetry.record(FACTS.alertsUngrouped, { pipeline: pipeline.name }, this.#groups.refused);
    this.#groups.refused = 0;
  }

  #newEngine(): AlertEngine {
    const { pipeline, kinds, partitionsOf } = this.options;
    const settling = new Map(pipeline.series.map((each) => [each.name, settlingMs(each)]));
    return new AlertEngine({
      pipeline: pipeline.name,
      rules: pipeline.alerts,
      policy: pipeline.alertPolicy,
      upstreamTasks: partitionsOf('judged'),
      settlingMs: (series) => settling.get(series) ?? 0,
      ...(kinds === undefined ? {} : { kinds }),
    });
  }

  #newReceivers(): Receivers {
    const { pipeline, clock, telemetry, sending = NOTHING_SENT } = this.options;
    const { receivers } = pipeline.alertPolicy;
    const around = { pipeline: pipeline.name, receivers, clock, telemetry, ...sending };
    return new Receivers({ ...around, firing: () => this.#groups.firing() });
  }
}

const GROUP = 'group/';
const PENDING = 'pending/';

/** The partition of the global task that sent it; undefined: another stage did, whose watermarks say nothing of rows. */
function upstreamOf({ producer }: TaskInput, pipeline: string): number | undefined {
  const prefix = `${pipeline}/global/`;
  return producer?.startsWith(prefix) === true ? Number(producer.slice(prefix.length)) : undefined;
}
