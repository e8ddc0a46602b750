import type { AlertEvent } from '../alert-event.js';
import type { AlertPolicy } from '../alert-policy.js';
import type { AlertRule } from '../alert-rule.js';
import { AlertEngine, type AlertEngineOptions } from '../engine/alert-engine.js';
import { labelsOf } from '../kinds/pattern.js';
import type { Notification } from '../notify/notification.js';
import { NotificationGroups } from '../notify/notification-groups.js';
import { differencesOf } from './differences.js';
import type { RuleTest, RuleTestEvent } from './rule-test.js';

/** What the rules of a pipeline are tested with. */
export interface RuleTestSetup {
  readonly pipeline: string;
  readonly rules: readonly AlertRule[];
  readonly policy: AlertPolicy;
  readonly settlingMs: (series: string) => number;
  readonly kinds?: NonNullable<AlertEngineOptions['kinds']>;
}

export interface RuleTestOutcome {
  readonly transitions: readonly AlertEvent[];
  readonly notifications: readonly Notification[];
  /** Sentences; none: all is as expected. */
  readonly differences: readonly string[];
}

/** How finely time passes in a test: as often as anything could be due. */
const STEP_MS = 1_000;

/** Runs one test in virtual time, by the same engine as a pipeline. */
export function runRuleTest(test: RuleTest, setup: RuleTestSetup): RuleTestOutcome {
  const run = new TestRun(test, setup);
  for (let timeMs = test.startMs; timeMs <= test.untilMs; timeMs += STEP_MS) run.reach(timeMs);
  const { transitions, notifications } = run;
  return { transitions, notifications, differences: differencesOf(test, { transitions, notifications }) };
}

class TestRun {
  readonly transitions: AlertEvent[] = [];
  readonly notifications: Notification[] = [];
  readonly #engine: AlertEngine;
  readonly #groups: NotificationGroups;
  readonly #rows: RuleTest['rows'];
  readonly #events: readonly RuleTestEvent[];
  readonly #streams: ReadonlySet<string>;
  #nextRow = 0;
  #nextEvent = 0;

  constructor(
    private readonly test: RuleTest,
    private readonly setup: RuleTestSetup,
  ) {
    this.#engine = new AlertEngine({ ...setup, upstreamTasks: 1 });
    this.#groups = new NotificationGroups(setup.pipeline, setup.policy);
    this.#rows = [...test.rows].sort((a, b) => a.atMs - b.atMs || a.row.windowEndMs - b.row.windowEndMs);
    this.#events = [...test.events].sort((a, b) => a.atMs - b.atMs);
    this.#streams = new Set([
      ...test.rows.map(({ row }) => row.stream),
      ...test.events.map(({ stream }) => stream),
    ]);
  }

  reach(timeMs: number): void {
    const nowMs = this.test.clockMs + timeMs - this.test.startMs;
    const isStill = this.test.standstills.some(({ fromMs, toMs }) => timeMs >= fromMs && timeMs < toMs);
    if (!isStill) this.#takeInput(timeMs, nowMs);
    this.#engine.tick(this.#telling(nowMs));
    this.notifications.push(...this.#groups.flush(nowMs, this.test.silences));
  }

  #takeInput(timeMs: number, nowMs: number): void {
    const telling = this.#telling(nowMs);
    for (; (this.#events[this.#nextEvent]?.atMs ?? Infinity) <= timeMs; this.#nextEvent++)
      this.#takeEvent(this.#events[this.#nextEvent]!, nowMs);
    for (; (this.#rows[this.#nextRow]?.atMs ?? Infinity) <= timeMs; this.#nextRow++)
      this.#engine.row(this.#rows[this.#nextRow]!.row, telling);
    for (const stream of this.#streams)
      this.#engine.advance({ upstream: 0, stream, watermarkMs: timeMs }, telling);
  }

  #takeEvent({ atMs, stream, data }: RuleTestEvent, nowMs: number): void {
    for (const { name, condition } of this.setup.rules) {
      if (condition.kind !== 'pattern' || !condition.where({ stream, ...data })) continue;
      const labels = labelsOf(condition, data);
      const match = { match: name, stream, labels, firstMs: atMs, lastMs: atMs, count: 1, eventId: '' };
      this.#engine.match(match, this.#telling(nowMs));
    }
  }

  #telling(nowMs: number): Parameters<AlertEngine['tick']>[0] {
    return {
      nowMs,
      sink: {
        alert: (event) => {
          this.transitions.push(event);
          this.#groups.take(event, nowMs);
        },
      },
    };
  }
}
