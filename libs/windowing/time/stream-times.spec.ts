import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import type { JsonObject, JsonValue } from '#libs/kernel';
import { NOTHING_TO_CLOSE_MS } from './stream-progress.js';
import { StreamTimes } from './stream-times.js';

const TIME = { maxOutOfOrdernessMs: 10_000, maxFutureSkewMs: 300_000, idleAfterMs: 10_000 };
/** The wall clock at the start of each timeline. */
const START = 1_800_000_000_000;

/** Local tasks that read each other's facts at once. */
class Tasks {
  readonly tasks: StreamTimes[];
  readonly committed = new Map<number, JsonObject>();
  nowMs = START;

  constructor(count: number) {
    this.tasks = Array.from({ length: count }, () => new StreamTimes(TIME, count));
  }

  task(partition: number): StreamTimes {
    return this.tasks[partition]!;
  }

  commit(...partitions: number[]): void {
    for (const partition of partitions)
      this.committed.set(partition, throughJson(this.task(partition).facts()));
  }

  tick(): void {
    for (const task of this.tasks) task.tick({ nowMs: this.nowMs, siblings: this.committed });
  }

  /** Lets the wall clock go on, with a heartbeat every 2 s to the tasks named, and ticks of 250 ms. */
  pass(durationMs: number, heartbeats: readonly number[]): void {
    for (const end = this.nowMs + durationMs; this.nowMs < end;) {
      this.nowMs += 250;
      if (this.nowMs % 2_000 === 0)
        for (const partition of heartbeats) this.task(partition).readUpTo(this.nowMs);
      this.tick();
    }
  }

  watermarkMs(partition: number, stream = 'web'): number {
    return this.task(partition).of(stream).watermarkMs;
  }
}

const throughJson = <T>(json: T): T => JSON.parse(JSON.stringify(json)) as T;

function restored(times: StreamTimes): StreamTimes {
  const copy = new StreamTimes(TIME, 2);
  copy.restore(new Map(throughJson([...times.cells()] as [string, JsonValue][])));
  return copy;
}

describe('a watermark', () => {
  it('is the highest event time less the out-of-orderness, and never goes back', () => {
    const web = new StreamTimes(TIME, 1).of('web');
    expect(web.watermarkMs).toBe(-Infinity);
    web.observe(-50_000);
    expect(web.watermarkMs).toBe(-60_000);
    web.observe(-90_000);
    expect(web.watermarkMs).toBe(-60_000);
    web.observe(-49_999);
    expect(web.watermarkMs).toBe(-59_999);
  });

  it('is told once for each change, after the stream itself', () => {
    const times = new StreamTimes(TIME, 1);
    expect(times.takeProgress()).toBeUndefined();
    times.of('web');
    expect(times.takeProgress()).toEqual({ web: {} });
    times.of('web').observe(70_000);
    expect(times.takeProgress()).toEqual({ web: { watermarkMs: 60_000 } });
    times.of('web').observe(70_000);
    expect(times.takeProgress()).toBeUndefined();
  });
});

describe('an idle stream', () => {
  //  partition 0   e100                                      event at 100 s, then nothing
  //  partition 1   ♥    ♥    ♥    ♥    ♥    ♥    ♥           only heartbeats
  //  wall clock    0              10 s           +1 s
  //  watermark 1   −∞             90 s           91 s        (highest committed by any − 10 s), then the clock's pace
  it('takes the highest time that any task has committed, then goes at the pace of the wall clock', () => {
    const tasks = new Tasks(2);
    tasks.task(0).of('web').observe(100_000);
    tasks.task(1).of('web');
    tasks.commit(0, 1);
    tasks.tick();
    tasks.pass(11_750, [1]);
    expect(tasks.watermarkMs(1)).toBe(-Infinity);
    tasks.pass(250, [1]);
    expect(tasks.watermarkMs(1)).toBe(90_000);
    tasks.pass(5_000, [1]);
    expect(tasks.watermarkMs(1)).toBe(95_000);
    // Its own partition has no heartbeat: down or behind, so never idle.
    expect(tasks.watermarkMs(0)).toBe(90_000);
  });

  it('follows what others commit meanwhile', () => {
    const tasks = new Tasks(2);
    tasks.task(0).of('web').observe(100_000);
    tasks.commit(0, 1);
    tasks.pass(20_000, [0, 1]);
    tasks.task(0).of('web').observe(500_000);
    tasks.pass(1_000, [0, 1]);
    expect(tasks.watermarkMs(1)).toBeLessThan(110_000);
    tasks.commit(0);
    tasks.pass(250, [0, 1]);
    expect(tasks.watermarkMs(1)).toBe(490_000);
  });

  it('wakes with an event, and an event in time of its stream is not late', () => {
    const tasks = new Tasks(1);
    tasks.task(0).of('web').observe(START);
    tasks.commit(0);
    tasks.pass(60_000, [0]);
    // Idle from 12 s on: −10 s, and 48 s of the clock's pace.
    expect(tasks.watermarkMs(0)).toBe(START - 10_000 + 48_000);
    tasks
      .task(0)
      .of('web')
      .observe(START + 60_000);
    expect(tasks.watermarkMs(0)).toBe(START + 50_000);
    tasks.pass(9_000, [0]);
    expect(tasks.watermarkMs(0)).toBe(START + 50_000);
  });

  it('is idle though another stream is busy in the partition', () => {
    const tasks = new Tasks(1);
    tasks.task(0).of('web').observe(100_000);
    tasks.commit(0);
    for (let i = 0; i < 40; i++) {
      tasks
        .task(0)
        .of('demo')
        .observe(START + i * 1_000);
      tasks.pass(1_000, [0]);
    }
    expect(tasks.watermarkMs(0, 'web')).toBeGreaterThan(110_000);
    expect(tasks.watermarkMs(0, 'demo')).toBe(START + 29_000);
  });

  it('stops when the heartbeats stop, and needs the whole time again', () => {
    const tasks = new Tasks(1);
    tasks.task(0).of('web').observe(100_000);
    tasks.commit(0);
    tasks.pass(20_000, [0]);
    tasks.pass(60_000, []);
    const stoppedMs = tasks.watermarkMs(0);
    expect(stoppedMs).toBeLessThan(104_000);
    tasks.pass(9_000, [0]);
    expect(tasks.watermarkMs(0)).toBe(stoppedMs);
    tasks.pass(10_000, [0]);
    expect(tasks.watermarkMs(0)).toBeGreaterThan(stoppedMs);
    // The minute without heartbeats is not made up for.
    expect(tasks.watermarkMs(0)).toBeLessThanOrEqual(stoppedMs + 10_000);
  });

  it('is not idle on heartbeats of long ago', () => {
    const tasks = new Tasks(1);
    tasks.task(0).of('web').observe(100_000);
    tasks.commit(0);
    for (let i = 0; i < 30; i++) {
      tasks.task(0).readUpTo(START - 3_600_000 + i * 2_000);
      tasks.pass(1_000, []);
    }
    expect(tasks.watermarkMs(0)).toBe(90_000);
  });

  it('is learnt from the others where this partition never saw it', () => {
    const tasks = new Tasks(2);
    tasks.task(0).of('web').observe(100_000);
    tasks.commit(0, 1);
    tasks.pass(20_000, [0, 1]);
    expect(tasks.task(1).takeProgress()).toEqual({ web: { watermarkMs: expect.any(Number) } });
  });

  // T1 and T3 over any timeline.
  it('never goes back, and never ahead of the highest committed, its out-of-orderness and the quiet time', () => {
    const step = fc.record({
      kind: fc.constantFrom('event', 'commit', 'pass', 'quiet', 'restart'),
      task: fc.integer({ min: 0, max: 1 }),
      amount: fc.integer({ min: 1, max: 60 }),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
        const tasks = new Tasks(2);
        let highestMs = -Infinity;
        let idleMs = 0;
        for (const { kind, task, amount } of steps) {
          const before = [0, 1].map((each) => tasks.watermarkMs(each));
          if (kind === 'event') {
            tasks
              .task(task)
              .of('web')
              .observe(amount * 1_000);
            highestMs = Math.max(highestMs, amount * 1_000);
          } else if (kind === 'commit') tasks.commit(task);
          else if (kind === 'restart') tasks.tasks[task] = restored(tasks.task(task));
          else {
            tasks.pass(amount * 500, kind === 'pass' ? [0, 1] : []);
            idleMs += Math.max(0, amount * 500);
          }
          for (const each of [0, 1]) {
            expect(tasks.watermarkMs(each)).toBeGreaterThanOrEqual(before[each]!);
            expect(tasks.watermarkMs(each)).toBeLessThanOrEqual(
              highestMs - TIME.maxOutOfOrdernessMs + idleMs,
            );
          }
        }
      }),
    );
  });
});

describe('a close', () => {
  //  partition 0   e50  e90  closing                    until = 120 s, the highest behind any marker
  //  partition 1   e120 closing            e130
  it('holds until the highest event behind the marker of any partition, once all have committed it', () => {
    const tasks = new Tasks(2);
    tasks.task(0).of('web').observe(90_000);
    tasks.task(0).closing('web', 'c1');
    tasks.commit(0);
    tasks.tick();
    expect(tasks.task(0).of('web').closedUntilMs).toBeUndefined();
    tasks.commit(1);
    tasks.tick();
    expect(tasks.task(0).of('web').closedUntilMs).toBeUndefined();
    tasks.task(1).of('web').observe(120_000);
    tasks.task(1).closing('web', 'c1');
    tasks.task(1).of('web').observe(130_000);
    tasks.tick();
    expect(tasks.task(0).of('web').closedUntilMs).toBeUndefined();
    tasks.commit(1);
    tasks.tick();
    for (const partition of [0, 1]) {
      expect(tasks.task(partition).of('web').closedUntilMs).toBe(120_000);
      expect(tasks.task(partition).takeProgress()).toMatchObject({
        web: { closed: { closeId: 'c1', untilMs: 120_000 } },
      });
      expect(tasks.task(partition).takeProgress()).toBeUndefined();
    }
    expect(tasks.watermarkMs(0)).toBe(80_000);
  });

  it('of a stream without events closes nothing', () => {
    const tasks = new Tasks(2);
    for (const task of tasks.tasks) task.closing('web', 'c1');
    tasks.commit(0, 1);
    tasks.tick();
    expect(tasks.task(0).takeProgress()).toEqual({
      web: { closed: { closeId: 'c1', untilMs: NOTHING_TO_CLOSE_MS } },
    });
  });

  it('is told one at a time', () => {
    const tasks = new Tasks(1);
    tasks.task(0).closing('web', 'c1');
    tasks.task(0).closing('web', 'c2');
    tasks.commit(0);
    tasks.tick();
    tasks.tick();
    expect(tasks.task(0).takeProgress()).toMatchObject({ web: { closed: { closeId: 'c1' } } });
    tasks.tick();
    expect(tasks.task(0).takeProgress()).toMatchObject({ web: { closed: { closeId: 'c2' } } });
  });

  it('is decided after a restart, too, and forgotten only when all have decided', () => {
    const tasks = new Tasks(2);
    for (const task of tasks.tasks) task.closing('web', 'c1');
    tasks.commit(0, 1);
    tasks.task(0).tick({ nowMs: START, siblings: tasks.committed });
    tasks.commit(0);
    tasks.tasks[0] = restored(tasks.task(0));
    tasks.tick();
    expect(tasks.task(0).facts()['closings']).toMatchObject({ c1: { isDecided: true } });
    expect(tasks.task(0).takeProgress()).toMatchObject({ web: { closed: { closeId: 'c1' } } });
    expect(tasks.task(1).takeProgress()).toMatchObject({ web: { closed: { closeId: 'c1' } } });
    for (let i = 0; i < 3; i++) {
      tasks.commit(0, 1);
      tasks.tick();
    }
    expect(tasks.tasks.map((task) => task.facts()['closings'])).toEqual([{}, {}]);
  });

  it('that never comes to an end takes a bounded place', () => {
    const times = new StreamTimes(TIME, 2);
    for (let i = 0; i < 1_000; i++) times.closing('web', `c${i}`);
    expect(Object.keys(times.facts()['closings'] as object)).toHaveLength(100);
  });
});
