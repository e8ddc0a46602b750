import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import {
  type AlertEvent,
  alertEventId,
  alertFingerprint,
  type AlertObservation,
  type AlertState,
  decideTransitions,
  sampleValue,
} from '#libs/alerting';
import type { Outputs } from '#libs/functions';
import type { JsonValue } from '#libs/kernel';
import { BEFORE_FIRST, type OutgoingMessage, partitionOf } from '#libs/messaging';
import { Telemetry } from '#libs/observability';
import { parsePipeline, type PipelineDefinition } from '#libs/pipeline';
import { type DescribedNoun, publicMessageProblems, shippedSchemas } from '#libs/schema';
import { COLLECTIONS, type DocumentWrite, type ResultRow } from '#libs/storage';
import { ManualClock } from '#libs/testing';
import { AlertTaskLogic } from './alert-task.js';

const MINUTE_MS = 60_000;

function pipeline(...rules: readonly string[]): PipelineDefinition {
  const text = [
    'apiVersion: millrace/v1',
    'kind: Pipeline',
    'metadata: {name: web}',
    'spec:',
    '  event: web-request@1',
    '  aggregate:',
    '    - name: requests',
    '      window: {tumbling: 1m, allowedLateness: 2m}',
    '      by: [method]',
    '      measures: {requests: count, errors: {count: status >= 500}}',
    `  alerts: {rules: [${rules.join(', ')}]}`,
  ].join('\n');
  return parsePipeline({ file: 'web.yaml', text, include: () => undefined }, { schemas: shippedSchemas() });
}

const RATIO =
  '{name: ratio, severity: critical, summary: Too many fail, for: 1m,' +
  ' threshold: {series: requests, value: errors / requests, above: 0.1}, minSamples: {measure: requests, atLeast: 20}}';
const MANY =
  '{name: many, severity: info, summary: Many requests, threshold: {series: requests, value: requests, above: 50}}';
const PIPELINE = pipeline(RATIO, MANY);

/** Gathers what a task puts out. */
class Gathered implements Outputs {
  readonly bytes = 0;
  readonly documents: DocumentWrite[] = [];
  readonly messages: { topic: string; partition: number; message: Omit<OutgoingMessage, 'sequenceId'> }[] =
    [];
  readonly afterwards: (() => void)[] = [];
  row(): void {
    throw new Error('an alert task writes no rows');
  }
  document(write: DocumentWrite): void {
    this.documents.push(write);
  }
  message(topic: string, partition: number, message: Omit<OutgoingMessage, 'sequenceId'>): void {
    const noun = topic.slice(topic.lastIndexOf('.') + 1) as DescribedNoun;
    const data: unknown = JSON.parse(Buffer.from(message.payload).toString());
    expect(publicMessageProblems(noun, data)).toEqual([]);
    this.messages.push({ topic, partition, message });
  }
  afterDelivery(action: () => void): void {
    this.afterwards.push(action);
  }
  /** What the messages say. */
  get events(): readonly AlertEvent[] {
    return this.messages.map(
      ({ message }) => JSON.parse(Buffer.from(message.payload).toString()) as AlertEvent,
    );
  }
}

function task(definition = PIPELINE, telemetry = new Telemetry({ logLevel: 'silent' })): AlertTaskLogic {
  const logic = new AlertTaskLogic({
    pipeline: definition,
    topic: (noun) => `persistent://public/default/web.${noun}`,
    partitionsOf: () => 3,
    clock: new ManualClock(10 * MINUTE_MS),
    telemetry,
  });
  logic.restore(new Map());
  return logic;
}

/** The row of the minute that ends at `minute`. */
function row(minute: number, changes: Partial<ResultRow> = {}): ResultRow {
  const windowEndMs = minute * MINUTE_MS;
  return {
    pipeline: 'web',
    series: 'requests',
    stream: 'demo',
    key: { method: 'GET' },
    windowStartMs: windowEndMs - MINUTE_MS,
    windowEndMs,
    measures: { requests: 20, errors: 5 },
    revision: 0,
    task: 0,
    ...changes,
  };
}

interface Told {
  readonly rows?: readonly ResultRow[];
  /** Stream → minute. */
  readonly watermarks?: Readonly<Record<string, number>>;
  readonly producer?: string;
}

function apply(
  logic: AlertTaskLogic,
  { rows = [], watermarks = {}, producer = 'web/global/0' }: Told,
  outputs = new Gathered(),
): Gathered {
  const progress = Object.fromEntries(
    Object.entries(watermarks).map(([stream, minute]) => [stream, { watermarkMs: minute * MINUTE_MS }]),
  );
  const delivery = {
    topic: 't',
    partition: 0,
    position: BEFORE_FIRST,
    payload: new Uint8Array(),
    publishTimeMs: 0,
    properties: {},
  };
  logic.apply(
    { delivery, producer, frame: { header: { v: 1, kind: 'judged', progress }, items: rows } },
    outputs,
  );
  return outputs;
}

function inWords({ rule, labels, status, reason, since }: AlertEvent): string {
  return `${rule} ${String(labels['stream'])} ${status} (${reason}) at ${Date.parse(since) / MINUTE_MS}m`;
}

describe('the alert task', () => {
  it('puts a transition out as a message and as documents', () => {
    const telemetry = new Telemetry({ logLevel: 'silent' });
    const outputs = apply(task(PIPELINE, telemetry), { rows: [row(2), row(3)] });
    const fingerprint = alertFingerprint('web', 'ratio', { stream: 'demo', method: 'GET' });
    expect(outputs.events.map(inWords)).toEqual([
      'ratio demo pending (breach) at 2m',
      'ratio demo firing (held) at 3m',
    ]);
    const id = `${fingerprint}-${MINUTE_MS}/1`;
    expect(outputs.messages[1]).toMatchObject({
      topic: 'persistent://public/default/web.alerts',
      partition: partitionOf(fingerprint, 3),
      message: {
        key: fingerprint,
        eventTimeMs: 3 * MINUTE_MS,
        properties: {
          ce_id: id,
          ce_type: 'com.millrace.alert.v1',
          ce_source: '/pipelines/web/streams/demo',
          ce_subject: 'ratio',
        },
      },
    });
    const body = outputs.events[1];
    expect(body).toMatchObject({
      value: 0.25,
      labels: { stream: 'demo', method: 'GET' },
      summary: 'Too many fail',
    });
    expect(outputs.documents.slice(2)).toEqual([
      {
        collection: COLLECTIONS.alerts,
        id: fingerprint,
        timeMs: 3 * MINUTE_MS,
        fields: { pipeline: 'web', rule: 'ratio', stream: 'demo', status: 'firing', severity: 'critical' },
        body,
      },
      {
        collection: COLLECTIONS.alertTransitions,
        id,
        timeMs: 3 * MINUTE_MS,
        fields: { pipeline: 'web', fingerprint, rule: 'ratio' },
        body,
      },
    ]);
  });

  it('counts transitions once they are delivered', async () => {
    const telemetry = new Telemetry({ logLevel: 'silent' });
    const { afterwards } = apply(task(PIPELINE, telemetry), { rows: [row(2)] });
    expect((await telemetry.metrics()).text).not.toContain('to="pending"');
    afterwards.forEach((action) => action());
    expect((await telemetry.metrics()).text).toContain(
      'millrace_alert_transitions_total{pipeline="web",rule="ratio",to="pending"} 1',
    );
  });

  it('wants a commit at once while a transition waits', () => {
    const logic = task();
    expect(logic.urgency()).toBe('pace');
    apply(logic, { rows: [row(2)] });
    expect(logic.urgency()).toBe('now');
    expect(logic.flush()).toBe('done');
    expect(logic.urgency()).toBe('pace');
  });

  it.each<[string, readonly ResultRow[]]>([
    ['corrections', [row(2, { revision: 1 })]],
    ['rows that were taken back', [row(2, { retracted: true })]],
    ['rows of too few samples', [row(2, { measures: { requests: 19, errors: 19 } })]],
    ['rows of other series', [row(2, { series: 'visits' })]],
  ])('does not judge %s', (_, rows) => {
    expect(apply(task(), { rows }).messages).toEqual([]);
  });

  it('keeps streams and keys apart', () => {
    const rows = [
      row(2),
      row(2, { stream: 'web' }),
      row(3, { key: { method: 'PUT' } }),
      row(3, { stream: 'web' }),
    ];
    expect(apply(task(), { rows }).events.map(inWords)).toEqual([
      'ratio demo pending (breach) at 2m',
      'ratio web pending (breach) at 2m',
      'ratio demo pending (breach) at 3m',
      'ratio web firing (held) at 3m',
    ]);
  });

  it('ends an alert in silence, by the watermark of the task that makes its rows', () => {
    const logic = task();
    apply(logic, { rows: [row(2), row(3)] });
    expect(apply(logic, { watermarks: { demo: 20 }, producer: 'web/global/1' }).messages).toEqual([]);
    expect(apply(logic, { watermarks: { demo: 20 }, producer: 'web/pattern/0' }).messages).toEqual([]);
    expect(apply(logic, { watermarks: { web: 20 } }).messages).toEqual([]);
    expect(apply(logic, { watermarks: { demo: 8 } }).events.map(inWords)).toEqual([
      'ratio demo resolved (no-data) at 8m',
    ]);
    expect(apply(logic, { watermarks: { demo: 9 } }).messages).toEqual([]);
  });

  it('ends an alert at once whose row is older than the silence', () => {
    const logic = task();
    apply(logic, { watermarks: { demo: 20 } });
    expect(apply(logic, { rows: [row(2)] }).events.map(inWords)).toEqual([
      'ratio demo pending (breach) at 2m',
      'ratio demo inactive (no-data) at 7m',
    ]);
  });

  it('forgets an alert that is over once no row of a judged window can come', () => {
    const logic = task();
    const names = (): readonly string[] => [...logic.cells()].map(([name]) => name.split('/')[0]!);
    apply(logic, { rows: [row(2, { measures: { requests: 20, errors: 0 } })], watermarks: { demo: 2 } });
    expect(names()).toEqual(['alert', 'alert', 'watermark']);
    apply(logic, { watermarks: { demo: 3 } });
    expect(names()).toEqual(['alert', 'alert', 'watermark']);
    apply(logic, { watermarks: { demo: 4 } });
    expect(names()).toEqual(['watermark']);
  });

  it('ends the alerts of a rule that is gone from the file', () => {
    const before = task();
    apply(before, { rows: [row(2, { measures: { requests: 60, errors: 0 } }), row(2, { stream: 'web' })] });
    const logic = task(pipeline(RATIO));
    logic.restore(new Map(before.cells()));
    const outputs = new Gathered();
    logic.tick({ nowMs: 0, siblings: new Map() }, outputs);
    expect(outputs.events.map(inWords)).toEqual(['many demo resolved (rule-removed) at 2m']);
    expect(outputs.events.map(alertEventId)[0]).toMatch(/\/1$/);
    expect(logic.urgency()).toBe('now');
    expect([...logic.cells()].map(([, cell]) => (cell as { rule: string }).rule)).toEqual(['ratio', 'ratio']);
  });
});

/** What one global task tells, in order: rows by the ends of their windows, watermarks behind them. */
function tellings(upstream: number): fc.Arbitrary<readonly Told[]> {
  const producer = `web/global/${upstream}`;
  const step = fc.record({
    gap: fc.integer({ min: 1, max: 7 }),
    stream: fc.constantFrom('demo', 'web'),
    errors: fc.constantFrom(0, 0, 5, 60),
    requests: fc.constantFrom(10, 20, 60),
    isTold: fc.boolean(),
    isLate: fc.integer({ min: 0, max: 9 }).map((dice) => dice === 0),
  });
  return fc.array(step, { maxLength: 15 }).map((steps) => {
    let minute = 0;
    return steps.map(({ gap, stream, errors, requests, isTold, isLate }) => {
      minute += gap;
      const key = { method: `M${upstream}` };
      const rows = [
        row(isLate ? minute - gap - 1 : minute, {
          stream,
          key,
          task: upstream,
          measures: { requests, errors },
        }),
      ];
      return { rows, producer, ...(isTold ? { watermarks: { [stream]: minute } } : {}) };
    });
  });
}

/** A task whose every commit is stored, as the runtime stores it; `isLost`: it dies after the commit. */
function runWithCommits(told: readonly Told[], isLost: (index: number) => boolean): readonly AlertEvent[] {
  const stored = new Map<string, JsonValue>();
  const outputs = new Gathered();
  let logic = task();
  told.forEach((each, index) => {
    apply(logic, each, outputs);
    for (const [name, value] of logic.changes()) {
      if (value === undefined) stored.delete(name);
      else stored.set(name, JSON.parse(JSON.stringify(value)) as JsonValue);
    }
    if (!isLost(index)) return;
    logic = task();
    logic.restore(stored);
    logic.tick({ nowMs: 0, siblings: new Map() }, outputs);
  });
  // What the commits add up to is what a base would hold.
  expect(JSON.parse(JSON.stringify(Object.fromEntries(logic.cells())))).toEqual(Object.fromEntries(stored));
  return outputs.events;
}

describe('an alert task that is stopped', () => {
  it('goes on as if it had not been, wherever it was', () => {
    fc.assert(
      fc.property(tellings(0), fc.array(fc.boolean(), { minLength: 15, maxLength: 15 }), (told, lost) => {
        expect(runWithCommits(told, (index) => lost[index] === true)).toEqual(
          runWithCommits(told, () => false),
        );
      }),
    );
  });
});

describe('the alerts of several global tasks', () => {
  // T1
  it('do not depend on how their messages mix', () => {
    fc.assert(
      fc.property(
        tellings(0),
        tellings(1),
        fc.array(fc.boolean(), { minLength: 30, maxLength: 30 }),
        (first, second, order) => {
          const [left, right] = [[...first], [...second]];
          const mixed: Told[] = [];
          for (let i = 0; left.length + right.length > 0; i++) {
            const next = (order[i] ? left : right).shift() ?? (left.shift() ?? right.shift())!;
            mixed.push(next);
          }
          const inOrder = (events: readonly AlertEvent[]): readonly string[] =>
            events.map((event) => `${event.fingerprint} ${inWords(event)} ${alertEventId(event)}`).sort();
          expect(inOrder(runWithCommits(mixed, () => false))).toEqual(
            inOrder(runWithCommits([...first, ...second], () => false)),
          );
        },
      ),
    );
  });
});

/** Every alert of the rule `ratio` by its own states alone, of which none is ever forgotten. */
function remembered(told: readonly Told[]): readonly string[] {
  const rule = PIPELINE.alerts[0]!;
  const states = new Map<string, AlertState>();
  const observe = (stream: string, observation: AlertObservation): readonly string[] => {
    const { state, transitions } = decideTransitions(rule, states.get(stream), observation);
    states.set(stream, state);
    return transitions.map(
      ({ to, reason, atMs }) => `ratio ${stream} ${to} (${reason}) at ${atMs / MINUTE_MS}m`,
    );
  };
  return told.flatMap(({ rows = [], watermarks = {} }) => [
    ...rows.flatMap(({ stream, measures, windowStartMs, windowEndMs }) => {
      const value = sampleValue(rule, measures);
      return value === undefined
        ? []
        : observe(stream, { kind: 'sample', windowStartMs, windowEndMs, value });
    }),
    ...Object.entries(watermarks).flatMap(([stream, minute]) =>
      states.has(stream) ? observe(stream, { kind: 'watermark', watermarkMs: minute * MINUTE_MS }) : [],
    ),
  ]);
}

describe('an alert that was forgotten', () => {
  it('would have changed nothing', () => {
    fc.assert(
      fc.property(tellings(0), (told) => {
        const found = runWithCommits(told, () => false).filter(({ rule }) => rule === 'ratio');
        expect(found.map(inWords)).toEqual(remembered(told));
      }),
    );
  });
});
