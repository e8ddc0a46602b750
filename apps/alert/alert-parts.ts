import { AlertEngine, NotificationGroups } from '#libs/alerting';
import type { RunScope } from '#libs/functions';
import type { JsonValue } from '#libs/kernel';
import type { PipelineDefinition } from '#libs/pipeline';
import { settlingMs } from '#libs/windowing';
import type { AlertTaskOptions } from './alert-task.js';
import { Receivers } from './receivers/receivers.js';

const PENDING = 'pending/';

const NOTHING_SENT: NonNullable<AlertTaskOptions['sending']> = { random: () => 0, secrets: new Map() };

/** What one set of rules is worked with: who judges, who groups, who sends. Their states stand side by side in the cells. */
export class AlertParts {
  readonly engine: AlertEngine;
  readonly groups: NotificationGroups;
  readonly receivers: Receivers;

  constructor(
    readonly pipeline: PipelineDefinition,
    private readonly options: AlertTaskOptions,
  ) {
    this.engine = this.#newEngine();
    this.groups = new NotificationGroups(pipeline.name, pipeline.alertPolicy);
    this.receivers = this.#newReceivers();
  }

  /** Goes on from what a commit holds. */
  restore(cells: ReadonlyMap<string, JsonValue>): void {
    const judged = new Map<string, JsonValue>();
    for (const [name, value] of cells) {
      if (this.groups.load(name, value)) continue;
      if (name.startsWith(PENDING)) this.receivers.load(name.slice(PENDING.length), value);
      else judged.set(name, value);
    }
    this.engine.restore(judged);
  }

  /** Sends what is restored. @param sent of that, by its name: has been sent since */
  start(run: RunScope | undefined, sent: readonly string[] = []): void {
    if (run !== undefined && this.options.sending !== undefined) this.receivers.begin(run);
    this.receivers.start(sent);
  }

  *changes(): Iterable<readonly [name: string, value: JsonValue | undefined]> {
    yield* this.engine.changes();
    yield* this.groups.changes();
    for (const [name, value] of this.receivers.changes()) yield [PENDING + name, value];
  }

  *cells(): Iterable<readonly [name: string, value: JsonValue]> {
    yield* this.engine.cells();
    yield* this.groups.cells();
    for (const [name, value] of this.receivers.cells()) yield [PENDING + name, value];
  }

  #newEngine(): AlertEngine {
    const { kinds, partitionsOf } = this.options;
    const { name, alerts, alertPolicy, series } = this.pipeline;
    const settling = new Map(series.map((each) => [each.name, settlingMs(each)]));
    return new AlertEngine({
      pipeline: name,
      rules: alerts,
      policy: alertPolicy,
      upstreamTasks: partitionsOf('judged'),
      settlingMs: (of) => settling.get(of) ?? 0,
      ...(kinds === undefined ? {} : { kinds }),
    });
  }

  #newReceivers(): Receivers {
    const { clock, telemetry, sending = NOTHING_SENT } = this.options;
    const { name, alertPolicy } = this.pipeline;
    const around = { pipeline: name, receivers: alertPolicy.receivers, clock, telemetry, ...sending };
    return new Receivers({ ...around, firing: () => this.groups.firing() });
  }
}
