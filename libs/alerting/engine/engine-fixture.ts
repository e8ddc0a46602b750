import type { JsonScalar, JsonValue } from '#libs/kernel';
import type { AlertEvent } from '../alert-event.js';
import { type AlertPolicy, DEFAULT_POLICY } from '../alert-policy.js';
import type { AlertRule } from '../alert-rule.js';
import type { AlertCondition } from '../kinds/condition.js';
import { AlertEngine, type AlertEngineOptions } from './alert-engine.js';

// For specs: an engine that is told minutes.

export const MINUTE_MS = 60_000;
/** Of the wall clock and of event time alike, where a spec says nothing else. */
export const START_MS = Date.UTC(2026, 0, 1);

/** A rule on `n`, of a series of minutes. */
export function minuteRule(condition: Partial<AlertCondition>, changes: Partial<AlertRule> = {}): AlertRule {
  const limits = { kind: 'threshold', expression: 'n', direction: 'above', limit: 10 };
  const value = (measures: Readonly<Record<string, unknown>>): number | undefined =>
    typeof measures['n'] === 'number' ? measures['n'] : undefined;
  return {
    ...{ name: 'r', severity: 'warning', summary: 's', series: 'x', forMs: 0 },
    ...{ noDataAfterMs: 5 * MINUTE_MS, notifyWithinMs: 60 * MINUTE_MS, everyMs: MINUTE_MS },
    condition: { ...limits, value, ...condition } as AlertCondition,
    ...changes,
  };
}

export class EngineFixture {
  readonly events: AlertEvent[] = [];
  #engine: AlertEngine;
  /** What commits have added up to. */
  readonly #stored = new Map<string, JsonValue>();
  nowMs = START_MS;

  constructor(
    private rules: readonly AlertRule[],
    private readonly policy: AlertPolicy = DEFAULT_POLICY,
    private readonly more: Partial<AlertEngineOptions> = {},
  ) {
    this.#engine = this.#make();
  }

  /** The rows of the minute that ends at `minute`: values of `n` by stream, or by stream and key. */
  minute(minute: number, values: Readonly<Record<string, number>>): this {
    this.nowMs = START_MS + minute * MINUTE_MS;
    for (const [name, n] of Object.entries(values)) {
      const [stream = '', key] = name.split('/');
      this.row(minute, { stream, n, ...(key === undefined ? {} : { key: { k: key } }) });
    }
    return this;
  }

  row(
    minute: number,
    {
      stream = 'a',
      n,
      key = {},
      revision = 0,
    }: { stream?: string; n: number; key?: Record<string, JsonScalar>; revision?: number },
  ): this {
    const windowEndMs = START_MS + minute * MINUTE_MS;
    const window = { windowStartMs: windowEndMs - MINUTE_MS, windowEndMs };
    this.#engine.row(
      { series: 'x', stream, key, ...window, measures: { n }, revision, task: 0 },
      this.#telling(),
    );
    return this;
  }

  match(minute: number, labels: Record<string, JsonScalar> = {}): this {
    const timeMs = START_MS + minute * MINUTE_MS;
    const times = { firstMs: timeMs, lastMs: timeMs, count: 1, eventId: 'e' };
    this.#engine.match({ match: 'r', stream: 'a', labels, ...times }, this.#telling());
    return this;
  }

  /** The watermark of streams; and the wall clock, unless it is told. */
  watermark(minute: number, streams: readonly string[] = ['a'], nowMinute = minute): this {
    this.nowMs = START_MS + nowMinute * MINUTE_MS;
    for (const stream of streams)
      this.#engine.advance(
        { upstream: 0, stream, watermarkMs: START_MS + minute * MINUTE_MS },
        this.#telling(),
      );
    return this;
  }

  tick(minute: number): this {
    this.nowMs = START_MS + minute * MINUTE_MS;
    this.#engine.tick(this.#telling());
    return this;
  }

  /** The process dies, and goes on from what was stored, with these rules. */
  restart(rules = this.rules): this {
    for (const [name, value] of this.#engine.changes()) {
      if (value === undefined) this.#stored.delete(name);
      else this.#stored.set(name, JSON.parse(JSON.stringify(value)) as JsonValue);
    }
    this.rules = rules;
    this.#engine = this.#make();
    this.#engine.restore(this.#stored);
    return this;
  }

  get cellNames(): readonly string[] {
    return [...this.#engine.cells()].map(([name]) => name);
  }

  /** `3m a firing (breach)`, with the labels beside the stream. */
  get words(): readonly string[] {
    return this.events.map(({ since, rule, labels, status, reason }) => {
      const minute = (Date.parse(since) - START_MS) / MINUTE_MS;
      const place = Object.values(labels).map(String).sort().join('/');
      return `${minute}m ${place === '' ? rule : place} ${status} (${reason})`;
    });
  }

  #make(): AlertEngine {
    return new AlertEngine({
      ...{ pipeline: 'web', rules: this.rules, policy: this.policy, upstreamTasks: 1 },
      settlingMs: () => 0,
      ...this.more,
    });
  }

  #telling(): Parameters<AlertEngine['tick']>[0] {
    return { nowMs: this.nowMs, sink: { alert: (event) => this.events.push(event) } };
  }
}
