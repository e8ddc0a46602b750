import { describe, expect, it } from '@jest/globals';
import type { AlertRule } from '#libs/alerting';
import type { Outputs, TaskInput } from '#libs/functions';
import type { JsonValue } from '#libs/kernel';
import {
  BEFORE_FIRST,
  decodeFrame,
  type Frame,
  type LiveMessage,
  type OutgoingMessage,
  type StreamProgress,
} from '#libs/messaging';
import { Telemetry } from '#libs/observability';
import type { DocumentWrite, ResultRow, ResultStore } from '#libs/storage';
import { ManualClock } from '#libs/testing';
import { count, NOTHING_TO_CLOSE_MS, type Partial, type SeriesDefinition, tumbling } from '#libs/windowing';
import { GlobalTaskLogic } from './global-task.js';

const BUDGET = 4 * 1024 * 1024;
const MINUTE = 60_000;
const SERIES: SeriesDefinition = {
  name: 'by_path',
  window: tumbling('1m'),
  allowedLatenessMs: MINUTE,
  by: ['path'],
  measures: [{ name: 'requests', aggregator: count() }],
};

const RULE = { name: 'busy', series: 'by_path' } as AlertRule;

class CollectedOutputs implements Outputs {
  bytes = 0;
  readonly rows: ResultRow[] = [];
  readonly documents: DocumentWrite[] = [];
  readonly messages: {
    readonly topic: string;
    readonly partition: number;
    readonly message: OutgoingMessage;
  }[] = [];
  readonly #actions: (() => void)[] = [];

  row(row: ResultRow): void {
    this.rows.push(row);
    this.bytes += 200;
  }

  document(write: DocumentWrite): void {
    this.documents.push(write);
  }

  message(topic: string, partition: number, message: OutgoingMessage): void {
    this.messages.push({ topic, partition, message });
    this.bytes += message.payload.byteLength;
  }

  afterDelivery(action: () => void): void {
    this.#actions.push(action);
  }

  deliver(): void {
    for (const action of this.#actions) action();
  }

  judged(): Frame<ResultRow>[] {
    return this.messages
      .filter(({ topic }) => topic === 'judged')
      .map(({ message }) => decodeFrame<ResultRow>(message.payload, 'judged'));
  }
}

/** The view of open windows, and nothing else of a store. */
class OpenWindows {
  readonly calls: { readonly call: 'put' | 'remove'; readonly rows: number }[] = [];
  problem: Error | undefined;

  async putOpenWindows(rows: readonly ResultRow[]): Promise<void> {
    this.calls.push({ call: 'put', rows: rows.length });
    if (this.problem !== undefined) throw this.problem;
  }

  async removeOpenWindows(rows: readonly ResultRow[]): Promise<void> {
    this.calls.push({ call: 'remove', rows: rows.length });
  }
}

class GlobalTask {
  readonly clock = new ManualClock();
  readonly live: LiveMessage[] = [];
  readonly openWindows = new OpenWindows();
  readonly telemetry = new Telemetry({ logLevel: 'silent' });
  readonly logic: GlobalTaskLogic;

  constructor(cells = new Map<string, JsonValue>(), alerts: readonly AlertRule[] = [RULE]) {
    this.logic = new GlobalTaskLogic({
      pipeline: { name: 'web', partitions: 2, series: [SERIES], alerts },
      partition: 1,
      topic: (noun) => noun,
      partitionsOf: () => 4,
      clock: this.clock,
      telemetry: this.telemetry,
      results: this.openWindows as unknown as ResultStore,
      publisher: { publish: (message) => void this.live.push(message) },
    });
    this.logic.restore(cells);
  }

  receive(
    upstream: number,
    items: readonly Partial[],
    progress?: Readonly<Record<string, StreamProgress>>,
  ): void {
    this.logic.apply(input(`web/local/${upstream}`, items, progress));
  }

  flush(budgetBytes = BUDGET): CollectedOutputs & { readonly outcome: 'done' | 'more' } {
    const outputs = new CollectedOutputs();
    return Object.assign(outputs, { outcome: this.logic.flush(outputs, budgetBytes) });
  }

  /** The live messages since the last call, rows as their number. */
  shown(): object[] {
    return this.live
      .splice(0)
      .map((message) => (message.type === 'points' ? { ...message, rows: message.rows.length } : message));
  }

  /** Lets promises that are done go on. */
  async settle(): Promise<void> {
    for (let i = 0; i < 5; i++) await Promise.resolve();
  }
}

function input(
  producer: string,
  items: readonly Partial[],
  progress?: Readonly<Record<string, StreamProgress>>,
): TaskInput {
  const delivery = {
    topic: 'partials',
    partition: 1,
    position: BEFORE_FIRST,
    payload: Buffer.of(),
    publishTimeMs: 0,
    properties: {},
  };
  const header = { v: 1, kind: 'partials', ...(progress === undefined ? {} : { progress }) } as const;
  return { delivery, frame: { header, items }, producer };
}

function delta(path: string, minute = 0, requests = 1): Partial {
  return {
    series: 'by_path',
    stream: 'shop',
    key: { path },
    startMs: minute * MINUTE,
    endMs: (minute + 1) * MINUTE,
    measures: { requests },
    oldestReceivedMs: 5_000 + minute,
    events: requests,
  };
}

const watermark = (minutes: number): Record<string, StreamProgress> => ({
  shop: { watermarkMs: minutes * MINUTE },
});

describe('a complete window', () => {
  const row: ResultRow = {
    pipeline: 'web',
    series: 'by_path',
    stream: 'shop',
    key: { path: '/a' },
    windowStartMs: 0,
    windowEndMs: MINUTE,
    measures: { requests: 3 },
    revision: 0,
    task: 1,
  };

  it('becomes a row, a public message, and a line for the alert stage with the progress behind it', () => {
    const task = new GlobalTask();
    task.receive(0, [delta('/a', 0, 1)], watermark(1));
    expect(task.logic.urgency()).toBe('pace');
    task.receive(1, [delta('/a', 0, 2)], watermark(1));
    expect(task.logic.urgency()).toBe('soon');
    const outputs = task.flush();
    expect(outputs.outcome).toBe('done');
    expect(outputs.rows).toEqual([row]);
    const { partition, message } = outputs.messages.find(({ topic }) => topic === 'results')!;
    expect(partition).toBeLessThan(4);
    expect(message).toMatchObject({ key: '["by_path","shop","/a"]', eventTimeMs: MINUTE });
    expect(message.properties).toMatchObject({
      ce_id: 'web/by_path/shop/0/60000/[["path","/a"]]/0',
      ce_type: 'com.millrace.result.v1',
    });
    expect(JSON.parse(Buffer.from(message.payload).toString())).toEqual(row);
    expect(outputs.judged()).toEqual([
      { header: { v: 1, kind: 'judged', progress: watermark(1) }, items: [row] },
    ]);
    expect(outputs.messages.find(({ topic }) => topic === 'judged')!.partition).toBe(1);
    expect(outputs.documents).toEqual([
      {
        collection: 'progress',
        id: 'web/1/shop',
        timeMs: 0,
        fields: { pipeline: 'web', stream: 'shop', partition: 1 },
        body: {
          watermarkMs: MINUTE,
          upstream: [
            { task: 0, watermarkMs: MINUTE, sinceMs: 0 },
            { task: 1, watermarkMs: MINUTE, sinceMs: 0 },
          ],
        },
      },
    ]);
    expect(task.flush().messages).toEqual([]);
  });

  it('goes to the alert stage only where a rule looks at its series', () => {
    const task = new GlobalTask(undefined, []);
    for (const upstream of [0, 1]) task.receive(upstream, [delta('/a')], watermark(1));
    const outputs = task.flush();
    expect(outputs.rows).toHaveLength(1);
    expect(outputs.judged()).toEqual([
      { header: { v: 1, kind: 'judged', progress: watermark(1) }, items: [] },
    ]);
  });

  it('is corrected by a delta within the allowed lateness', () => {
    const task = new GlobalTask();
    for (const upstream of [0, 1]) task.receive(upstream, [delta('/a')], watermark(1));
    task.flush();
    task.receive(0, [delta('/a')]);
    expect(task.flush().rows).toEqual([{ ...row, revision: 1 }]);
  });

  it('tells its progress only with the last slice, also after a restart between slices', () => {
    let task = new GlobalTask();
    const deltas = Array.from({ length: 1_000 }, (_, i) => delta(`/${i}`));
    task.receive(0, deltas, watermark(1));
    task.receive(1, [], watermark(1));
    const cells = new Map<string, JsonValue>();
    const slices: number[] = [];
    for (let outcome = 'more'; outcome === 'more';) {
      const outputs = task.flush(60_000);
      outcome = outputs.outcome;
      slices.push(outputs.rows.length);
      expect(outputs.documents).toHaveLength(outcome === 'done' ? 1 : 0);
      expect(outputs.judged().filter(({ header }) => header.progress !== undefined)).toHaveLength(
        outcome === 'done' ? 1 : 0,
      );
      for (const [name, value] of task.logic.changes()) {
        if (value === undefined) cells.delete(name);
        else cells.set(name, JSON.parse(JSON.stringify(value)) as JsonValue);
      }
      task = new GlobalTask(cells);
    }
    expect(slices.length).toBeGreaterThan(2);
    expect(slices.reduce((sum, rows) => sum + rows)).toBe(1_000);
  });
});

describe('progress', () => {
  it('without rows goes out in an empty frame', () => {
    const task = new GlobalTask();
    for (const upstream of [0, 1]) task.receive(upstream, [], watermark(7));
    expect(task.flush().judged()).toEqual([
      { header: { v: 1, kind: 'judged', progress: watermark(7) }, items: [] },
    ]);
  });

  it('names a close that all local tasks have told', () => {
    const task = new GlobalTask();
    const closed = { closed: { closeId: 'c1', untilMs: 30 } };
    task.receive(0, [delta('/a')], { shop: closed });
    task.receive(1, [], { shop: closed });
    const outputs = task.flush();
    expect(outputs.rows).toHaveLength(1);
    expect(outputs.documents[0]!.body).toMatchObject(closed);
  });

  it('of a close without any event has no time', () => {
    const task = new GlobalTask();
    const closed = { closed: { closeId: 'c1', untilMs: NOTHING_TO_CLOSE_MS } };
    for (const upstream of [0, 1]) task.receive(upstream, [], { shop: closed });
    expect(task.flush().documents[0]!.body['closed']).toEqual({ closeId: 'c1' });
  });

  it('of the local tasks is written for those who ask why a window is open, once a second', () => {
    const task = new GlobalTask();
    const bodies = (): unknown[] => task.flush().documents.map(({ body }) => body);
    task.receive(0, [], watermark(1));
    expect(bodies()).toEqual([
      {
        upstream: [
          { task: 0, watermarkMs: MINUTE, sinceMs: 0 },
          { task: 1, watermarkMs: null, sinceMs: 0 },
        ],
      },
    ]);
    task.clock.advance(500);
    task.receive(0, [], watermark(2));
    expect(bodies()).toEqual([]);
    task.clock.advance(500);
    expect(bodies()).toMatchObject([
      {
        upstream: [
          { task: 0, watermarkMs: 2 * MINUTE, sinceMs: 500 },
          { task: 1, watermarkMs: null, sinceMs: 0 },
        ],
      },
    ]);
    task.clock.advance(5_000);
    expect(bodies()).toEqual([]);
  });

  it('comes from local tasks only', () => {
    expect(() => new GlobalTask().logic.apply(input('web/enrich/0', []))).toThrow(RangeError);
  });
});

describe('a delta that should not be there', () => {
  it('is counted and moves nothing', async () => {
    const task = new GlobalTask();
    for (const upstream of [0, 1]) task.receive(upstream, [], watermark(2));
    task.flush();
    task.receive(0, [delta('/a', 0, 3)]);
    expect(task.flush().rows).toEqual([]);
    const { text } = await task.telemetry.metrics();
    expect(text).toContain('millrace_aggregate_refused_events_total{pipeline="web",reason="too-late"} 3');
  });
});

describe('the live view', () => {
  it('shows open windows at once, then what changed every 250 ms', async () => {
    const task = new GlobalTask();
    task.receive(0, [delta('/a'), delta('/b', 1)]);
    expect(task.shown()).toEqual([{ type: 'points', provisional: true, rows: 2, oldestReceivedMs: 5_000 }]);
    expect(task.openWindows.calls).toEqual([{ call: 'put', rows: 2 }]);
    await task.settle();
    for (let i = 0; i < 10; i++) task.receive(0, [delta('/a')]);
    task.clock.advance(249);
    expect(task.shown()).toEqual([]);
    task.clock.advance(1);
    expect(task.shown()).toEqual([{ type: 'points', provisional: true, rows: 1, oldestReceivedMs: 5_000 }]);
    task.clock.advance(10_000);
    expect(task.shown()).toEqual([]);
    expect(task.clock.pendingTimers).toBe(0);
  });

  it('shows complete rows and watermarks once they are delivered, and takes them out of the view', async () => {
    const task = new GlobalTask();
    task.receive(0, [delta('/a')], watermark(1));
    await task.settle();
    task.shown();
    task.receive(1, [delta('/a')], watermark(1));
    const outputs = task.flush();
    task.clock.advance(250);
    expect(task.shown()).toEqual([]);
    outputs.deliver();
    task.clock.advance(250);
    expect(task.shown()).toEqual([
      { type: 'points', provisional: false, rows: 1, oldestReceivedMs: 5_000 },
      { type: 'watermarks', partition: 1, streams: { shop: MINUTE } },
    ]);
    expect(task.openWindows.calls.at(-1)).toEqual({ call: 'remove', rows: 1 });
  });

  it('shows the newest 2,000 rows of a series and stream in messages of 500, however many complete', async () => {
    const task = new GlobalTask();
    const deltas = Array.from({ length: 10_000 }, (_, minute) => delta('/a', minute));
    for (const upstream of [0, 1]) task.receive(upstream, upstream === 0 ? deltas : [], watermark(20_000));
    await task.settle();
    task.shown();
    task.flush(Infinity).deliver();
    task.clock.advance(250);
    const shown = task.live.filter((message) => message.type === 'points');
    expect(shown.map(({ rows }) => rows.length)).toEqual([500, 500, 500, 500]);
    expect(shown[0]!.rows[0]!['windowStartMs']).toBe(8_000 * MINUTE);
  });

  it('goes on when the view of open windows cannot be written', async () => {
    const task = new GlobalTask();
    task.openWindows.problem = new Error('no room');
    task.receive(0, [delta('/a')]);
    await task.settle();
    task.receive(0, [delta('/a')]);
    task.clock.advance(250);
    expect(task.shown()).toHaveLength(2);
    expect((await task.telemetry.metrics()).text).toContain(
      'millrace_open_windows_failures_total{pipeline="web"} 2',
    );
  });
});
