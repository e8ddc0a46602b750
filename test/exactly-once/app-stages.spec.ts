import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import type { JsonValue, StreamEvent } from '#libs/kernel';
import { decodeFrame, encodeFrame, type FrameHeader } from '#libs/messaging';
import { Telemetry } from '#libs/observability';
import { parsePipeline } from '#libs/pipeline';
import { shippedSchemas } from '#libs/schema';
import { COLLECTIONS, type ResultStore } from '#libs/storage';
import { type CrashPoint, ManualClock, TaskTestDriver } from '#libs/testing';
import { GlobalTaskLogic } from '../../apps/aggregate/global-task.js';
import { LocalTaskLogic } from '../../apps/aggregate/local-task.js';
import { AlertTaskLogic } from '../../apps/alert/alert-task.js';
import { EnrichTaskLogic } from '../../apps/enrich/enrich-task.js';

// The stages of the apps, one behind the other, under virtual time and without a server. Each may die at any step of any of
// its commits: rows, messages and documents are those of a run in which none does.

const MINUTE_MS = 60_000;
const START_MS = Date.UTC(2026, 0, 1);
const PIPELINE = parsePipeline(
  {
    file: 'web.yaml',
    text: `
apiVersion: millrace/v1
kind: Pipeline
metadata: {name: web}
spec:
  event: web-request@1
  partitions: 1
  time: {maxOutOfOrderness: 0s, maxFutureSkew: 5m, idleAfter: 10s}
  aggregate:
    - name: requests
      window: {tumbling: 1m, allowedLateness: 1m}
      by: [method]
      measures: {requests: count, errors: {count: status >= 500}}
  alerts:
    rules:
      - {name: many, severity: info, summary: Many requests, threshold: {series: requests, value: errors, above: 1}}
`,
    include: () => undefined,
  },
  { schemas: shippedSchemas() },
);
const telemetry = new Telemetry({ logLevel: 'silent' });
const clock = new ManualClock(START_MS);
const common = {
  pipeline: { ...PIPELINE, globalPartitions: 1 },
  partition: 0,
  topic: (noun: string) => noun,
  partitionsOf: () => 1,
  telemetry,
  clock,
};
const NO_VIEW = {
  putOpenWindows: () => Promise.resolve(),
  removeOpenWindows: () => Promise.resolve(),
} as unknown as ResultStore;

interface Stages {
  readonly local: TaskTestDriver<LocalTaskLogic>;
  readonly global: TaskTestDriver<GlobalTaskLogic>;
  readonly alert: TaskTestDriver<AlertTaskLogic>;
}

function stages(): Stages {
  return {
    local: new TaskTestDriver(() => new LocalTaskLogic(common), 'enriched'),
    global: new TaskTestDriver(
      () => new GlobalTaskLogic({ ...common, results: NO_VIEW, publisher: { publish: () => undefined } }),
      'partials',
    ),
    alert: new TaskTestDriver(() => new AlertTaskLogic(common), 'judged'),
  };
}

/** One event each half minute, some late, some of them errors. */
function event(n: number): StreamEvent {
  const timeMs = START_MS + (n % 7 === 6 ? n - 5 : n) * (MINUTE_MS / 2);
  const data = { method: n % 3 === 0 ? 'POST' : 'GET', path: '/', status: n % 8 < 4 ? 500 : 200 };
  return { id: `e${n}`, stream: 'web', timeMs, receivedMs: timeMs, type: 'web-request@1', data };
}

/** Hands on what one stage has delivered to the next. */
async function handOn(
  from: TaskTestDriver<never>,
  to: TaskTestDriver<never>,
  { kind, producer }: { readonly kind: FrameHeader['kind']; readonly producer: string },
): Promise<void> {
  for (const { topic, message } of from.frames.splice(0)) {
    if (topic !== kind) continue;
    const { header, items } = decodeFrame(message.payload, kind);
    await to.give(items, { header, producer });
  }
}

interface Crash {
  readonly stage: keyof Stages;
  readonly before: number;
  readonly point: CrashPoint;
}

async function runThrough(crashes: readonly Crash[]): Promise<unknown> {
  const all = stages();
  for (let n = 0; n < 24; n++) {
    for (const { stage, before, point } of crashes) if (before === n) all[stage].crashAt(point);
    await all.local.give([event(n)]);
    await handOn(all.local as never, all.global as never, { kind: 'partials', producer: 'web/local/0' });
    await handOn(all.global as never, all.alert as never, { kind: 'judged', producer: 'web/global/0' });
  }
  return {
    rows: all.global.rows,
    results: all.global.messages('results'),
    late: all.local.messages('late'),
    fates: all.local.documents(COLLECTIONS.fates),
    alerts: all.alert.messages('alerts'),
    states: all.alert.documents(COLLECTIONS.alerts),
  };
}

describe('the stages of the apps', () => {
  it('count, judge and alert', async () => {
    const found = (await runThrough([])) as Record<string, readonly unknown[]>;
    expect(found['rows']?.length).toBeGreaterThan(10);
    expect(found['late']?.length).toBeGreaterThan(0);
    expect(found['alerts']?.length).toBeGreaterThan(0);
    expect(found['fates']).toMatchObject([{ counts: { counted: 24 - (found['late']?.length ?? 0) } }]);
  });

  it('deliver the same whatever stage dies at whatever step', async () => {
    const expected = await runThrough([]);
    const crash = fc.record({
      stage: fc.constantFrom('local', 'global', 'alert'),
      before: fc.nat(23),
      point: fc.constantFrom('before-commit', 'after-commit', 'after-delivery'),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(crash, { maxLength: 8 }), async (crashes) => {
        expect(await runThrough(crashes as readonly Crash[])).toEqual(expected);
      }),
    );
  });

  it('enrich makes the same frames again from any commit on', async () => {
    const make = (): EnrichTaskLogic => new EnrichTaskLogic({ deduplicateForMs: 600_000, steps: [] });
    const deliveries = Array.from({ length: 12 }, (_, n) => ({
      topic: 'raw',
      partition: 0,
      position: [0, n, 0, 0] as const,
      publishTimeMs: START_MS,
      properties: {},
      // Every third one repeats an earlier id.
      payload: encodeFrame({ v: 1, kind: 'raw' }, [JSON.stringify(event(n % 3 === 2 ? n - 2 : n))]).payload,
    }));
    const first = make();
    const expected = [];
    for (const delivery of deliveries) expected.push(await first.transform(delivery));
    for (let committed = 0; committed < deliveries.length; committed++) {
      const before = make();
      for (const delivery of deliveries.slice(0, committed)) await before.transform(delivery);
      const after = make();
      after.restore(new Map(before.changes()) as ReadonlyMap<string, JsonValue>);
      const again = [];
      for (const delivery of deliveries.slice(committed)) again.push(await after.transform(delivery));
      expect(again).toEqual(expected.slice(committed));
    }
  });
});
