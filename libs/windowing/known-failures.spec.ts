import { describe, expect, it } from '@jest/globals';
import type { JsonObject, StreamEvent } from '#libs/kernel';
import {
  count,
  type Fields,
  GlobalAggregation,
  hopping,
  LocalAggregation,
  type SeriesDefinition,
  tumbling,
  type WindowDefinition,
} from './index.js';

// Each test is named after a way in which other systems fail. The one about sessions stands beside them.

const SECOND = 1_000;
const TIME = { maxOutOfOrdernessMs: 10 * SECOND, maxFutureSkewMs: 300 * SECOND, idleAfterMs: 10 * SECOND };

function series(window: WindowDefinition, allowedLatenessMs = 0): SeriesDefinition {
  return {
    name: 'requests',
    window,
    allowedLatenessMs,
    by: [],
    measures: [{ name: 'n', aggregator: count() }],
  };
}

/** Local tasks and one global task, with nothing lost on the way. */
class Pipeline {
  readonly locals: readonly LocalAggregation[];
  readonly global: GlobalAggregation;
  nowMs = 1_000 * SECOND;

  constructor(definition: SeriesDefinition, tasks: number) {
    this.locals = Array.from({ length: tasks }, () => new LocalAggregation([definition], TIME, tasks));
    this.global = new GlobalAggregation([definition], tasks);
  }

  /** An event arrives at its own time, unless it says otherwise. */
  add(task: number, seconds: number, receivedSeconds = seconds): ReturnType<LocalAggregation['add']> {
    const event: StreamEvent<Fields> = {
      id: `e${seconds}`,
      stream: 'web',
      timeMs: seconds * SECOND,
      receivedMs: receivedSeconds * SECOND,
      type: 't',
      data: {},
    };
    return this.locals[task]!.add(event);
  }

  /** The wall clock goes on; these tasks are told that they have read everything. */
  pass(seconds: number, caughtUp: readonly number[]): void {
    for (let i = 0; i < seconds; i++) {
      this.nowMs += SECOND;
      for (const task of caughtUp) this.locals[task]!.times.readUpTo(this.nowMs);
      const facts = this.locals.map((local, task): [number, JsonObject] => [task, local.times.facts()]);
      for (const local of this.locals) local.times.tick({ nowMs: this.nowMs, siblings: new Map(facts) });
    }
  }

  /** All commit. `[start, end) × n #revision`, in seconds. */
  rows(): string[] {
    this.locals.forEach((local, task) => {
      for (const partial of local.drain()) this.global.merge(partial);
      for (const [stream, progress] of Object.entries(local.times.takeProgress() ?? {}))
        this.global.advance(task, stream, progress);
    });
    return this.global
      .emit(1_000)
      .rows.map(
        ({ windowStartMs, windowEndMs, measures, revision }) =>
          `[${windowStartMs / SECOND}, ${windowEndMs / SECOND}) × ${Number(measures['n'])} #${revision}`,
      );
  }
}

describe('known failures of other systems', () => {
  //   events    ● 30 s, then nothing for ever
  //   clock     ├── idleAfter 10 s ──┤── watermark goes on: 20 s … 60 s ──┤
  //   window   [0 ────────────────── 60 s)                                 closes
  it('the window that never closes without new data', () => {
    const pipeline = new Pipeline(series(tumbling('1m')), 2);
    pipeline.add(0, 30);
    expect(pipeline.rows()).toEqual([]);
    pipeline.pass(45, [0, 1]);
    expect(pipeline.rows()).toEqual([]);
    pipeline.pass(10, [0, 1]);
    expect(pipeline.rows()).toEqual(['[0, 60) × 1 #0']);
  });

  //   events    ● 10 s   ○ the year 2286, received at 11 s   ● 20 s
  //   window   [0 ──────────────────────────────────── 60 s)   takes both ●
  it('the stream whose future timestamp closes everything', () => {
    const pipeline = new Pipeline(series(tumbling('1m')), 1);
    pipeline.add(0, 10);
    expect(pipeline.add(0, 9_999_999_999, 11)).toMatchObject({ kind: 'future' });
    expect(pipeline.add(0, 20)).toMatchObject({ counted: 1 });
    expect(pipeline.rows()).toEqual([]);
    pipeline.add(0, 70);
    expect(pipeline.rows()).toEqual(['[0, 60) × 2 #0']);
  });

  //   watermark            60 s           120 s
  //   window   [0 ───────── 60 s)── 60 s ───┤final
  //   events          ●          ◐ corrects    ○ refused, with how late it was
  it('the late event that is neither counted nor acknowledged', () => {
    const pipeline = new Pipeline(series(tumbling('1m'), 60 * SECOND), 1);
    pipeline.add(0, 30);
    pipeline.add(0, 129);
    expect(pipeline.rows()).toEqual(['[0, 60) × 1 #0']);
    expect(pipeline.add(0, 31)).toEqual({ kind: 'assigned', late: [], counted: 1 });
    expect(pipeline.rows()).toEqual(['[0, 60) × 2 #1']);
    pipeline.add(0, 130);
    expect(pipeline.add(0, 32)).toEqual({
      kind: 'assigned',
      counted: 0,
      late: [{ series: 'requests', window: { startMs: 0, endMs: 60 * SECOND }, lateByMs: 60 * SECOND }],
    });
    expect(pipeline.rows()).toEqual([]);
  });

  //   event              ● 6 s
  //   windows  [-2 ─────────── 8)          size 10, every 4, offset 2: starts at … -2, 2, 6, 10 …
  //                  [2 ─────────── 12)
  //                        [6 ─────────── 16)
  //   panes    …[6, 8)[8, 10)…             the event's is [6, 8)
  it('the hopping window whose offset does not divide its length', () => {
    const pipeline = new Pipeline(series(hopping('10s', '4s', { offset: '2s' })), 1);
    pipeline.add(0, 6);
    pipeline.add(0, 8);
    expect(pipeline.locals[0]!.hasDeltas).toBe(true);
    pipeline.add(0, 100);
    expect(pipeline.rows()).toEqual(['[-2, 8) × 1 #0', '[2, 12) × 2 #0', '[6, 16) × 2 #0']);
  });

  //   task 0    ● 30 s   ● 200 s   caught up, and quiet: idle
  //   task 1    ● 30 s   … behind: nobody says that it has read to its end … ● 31 s
  //   window   [0 ── 60 s)         waits for task 1, however long it takes
  it('the slow partition taken for an idle one', () => {
    const pipeline = new Pipeline(series(tumbling('1m')), 2);
    for (const task of [0, 1]) pipeline.add(task, 30);
    pipeline.add(0, 200);
    pipeline.pass(3_600, [0]);
    expect(pipeline.rows()).toEqual([]);
    expect(pipeline.add(1, 31)).toMatchObject({ counted: 1, late: [] });
    pipeline.add(1, 200);
    expect(pipeline.rows()).toEqual(['[0, 60) × 3 #0']);
  });
});
