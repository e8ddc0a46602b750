import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import type { JsonObject, JsonValue, StreamEvent } from '#libs/kernel';
import {
  count,
  distinct,
  type Fields,
  GlobalAggregation,
  gridOf,
  LocalAggregation,
  type Partial,
  phaseOf,
  quantiles,
  type SeriesDefinition,
  type StreamProgress,
  sum,
  type TimeWindow,
  tumbling,
  type TumblingWindow,
  windowsAt,
  type WindowResult,
} from './index.js';

// Events through local tasks and one global task, with commits, crashes, idleness and closes wherever they fall,
// against an oracle that keeps every event and recomputes.

const TIME = { maxOutOfOrdernessMs: 20, maxFutureSkewMs: 50, idleAfterMs: 30 };
const SERIES: readonly SeriesDefinition[] = [
  {
    name: 'requests',
    window: tumbling(40),
    allowedLatenessMs: 30,
    by: [],
    measures: [
      { name: 'requests', aggregator: count() },
      { name: 'bytes', aggregator: sum(), value: (data) => data['bytes'] },
      { name: 'errors', aggregator: count(), where: (data) => Number(data['bytes']) > 50 },
    ],
  },
  {
    name: 'paths',
    window: tumbling(25),
    allowedLatenessMs: 0,
    where: (data) => data['path'] !== 'c',
    by: ['path', 'plan'],
    measures: [
      { name: 'bytes', aggregator: quantiles([0.5, 1]), value: (data) => data['bytes'] },
      { name: 'sizes', aggregator: distinct({ exactUpTo: 3 }), value: (data) => data['bytes'] },
    ],
  },
];
const STREAMS = ['web', 'shop'];
const TASKS = 2;

type Event = StreamEvent<Fields>;
interface LocalFrame {
  readonly task: number;
  readonly partials: readonly Partial[];
  readonly progress: Readonly<Record<string, StreamProgress>>;
}
/** What the input of a local task holds: events, markers and wall-clock moments, so that a restart goes over them again. */
type Input =
  | { readonly kind: 'event'; readonly event: Event }
  | { readonly kind: 'closing'; readonly stream: string; readonly closeId: string }
  | { readonly kind: 'heartbeat'; readonly nowMs: number };

const throughJson = <T>(json: T): T => JSON.parse(JSON.stringify(json)) as T;

function store(
  into: Map<string, JsonValue>,
  changes: Iterable<readonly [string, JsonValue | undefined]>,
): void {
  for (const [name, value] of changes) {
    if (value === undefined) into.delete(name);
    else into.set(name, throughJson(value));
  }
}

class LocalTask {
  aggregation = new LocalAggregation(SERIES, TIME, TASKS);
  readonly cells = new Map<string, JsonValue>();
  committedFacts: JsonObject | undefined;
  uncommitted: Input[] = [];
  /** As the task decided, of what is committed. */
  readonly accepted: { readonly series: string; readonly event: Event }[] = [];
  #pending: typeof this.accepted = [];

  apply(input: Input): void {
    this.uncommitted.push(input);
    if (input.kind === 'closing') this.aggregation.times.closing(input.stream, input.closeId);
    else if (input.kind === 'heartbeat') this.aggregation.times.readUpTo(input.nowMs);
    else this.#add(input.event);
  }

  commit(task: number): LocalFrame {
    const partials = throughJson(this.aggregation.drain());
    const progress = throughJson(this.aggregation.times.takeProgress() ?? {});
    this.committedFacts = throughJson(this.aggregation.times.facts());
    store(this.cells, this.aggregation.changes());
    this.accepted.push(...this.#pending);
    this.#pending = [];
    this.uncommitted = [];
    return { task, partials, progress };
  }

  crash(): void {
    this.aggregation = new LocalAggregation(SERIES, TIME, TASKS);
    this.aggregation.restore(this.cells);
    expect(new Map(throughJson([...this.aggregation.cells()]))).toEqual(this.cells);
    this.#pending = [];
    const again = this.uncommitted;
    this.uncommitted = [];
    for (const input of again) this.apply(input);
  }

  #add(event: Event): void {
    const outcome = this.aggregation.add(event);
    const wanted = SERIES.filter(({ where }) => where === undefined || where(event.data)).map(
      ({ name }) => name,
    );
    if (outcome.kind === 'future') {
      expect(outcome.byMs).toBe(event.timeMs - event.receivedMs - TIME.maxFutureSkewMs);
      return;
    }
    expect(outcome.counted + outcome.late.length).toBe(wanted.length);
    const refused = new Set(outcome.late.map(({ series }) => series));
    for (const series of wanted) if (!refused.has(series)) this.#pending.push({ series, event });
  }
}

class GlobalTask {
  aggregation = new GlobalAggregation(SERIES, TASKS);
  readonly cells = new Map<string, JsonValue>();
  uncommitted: LocalFrame[] = [];
  applied: Partial[] = [];
  /** Delivered rows, newest revision of each. */
  readonly rows = new Map<string, WindowResult>();
  readonly progress: Record<string, StreamProgress> = {};

  apply(frame: LocalFrame): void {
    this.uncommitted.push(frame);
    for (const partial of frame.partials) expect(this.aggregation.merge(partial)).toEqual({ kind: 'merged' });
    for (const [stream, progress] of Object.entries(frame.progress))
      this.aggregation.advance(frame.task, stream, progress);
  }

  /** One slice of an emission, committed and delivered. */
  commitSlice(budget: number): boolean {
    const { rows, more } = this.aggregation.emit(budget);
    expect(rows.length).toBeLessThanOrEqual(budget);
    const told = more ? {} : this.aggregation.takeProgress();
    store(this.cells, this.aggregation.changes());
    this.uncommitted = [];
    for (const row of throughJson(rows)) this.#deliver(row);
    for (const [stream, progress] of Object.entries(told)) this.#tell(stream, progress);
    return more;
  }

  crash(): void {
    this.aggregation = new GlobalAggregation(SERIES, TASKS);
    this.aggregation.restore(new Map(this.cells));
    expect(new Map(throughJson([...this.aggregation.cells()]))).toEqual(this.cells);
    const again = this.uncommitted;
    this.uncommitted = [];
    for (const frame of again) this.apply(frame);
  }

  #deliver(row: WindowResult): void {
    const id = idOf(row.series, row.stream, row.windowStartMs, row.key);
    expect(row.revision).toBe((this.rows.get(id)?.revision ?? -1) + 1);
    const series = SERIES.find(({ name }) => name === row.series)!;
    const { watermarkMs, closed } = this.progress[row.stream] ?? {};
    const told = {
      ...(watermarkMs === undefined ? {} : { watermarkMs }),
      ...(closed === undefined ? {} : { closedUntilMs: closed.untilMs }),
    };
    expect(phaseOf({ ...row, provisional: false }, told, series.allowedLatenessMs)).toBe('complete');
    this.rows.set(id, row);
  }

  #tell(stream: string, progress: StreamProgress): void {
    const before = this.progress[stream];
    expect(progress.watermarkMs ?? -Infinity).toBeGreaterThanOrEqual(before?.watermarkMs ?? -Infinity);
    expect(progress.closed?.untilMs ?? -Infinity).toBeGreaterThanOrEqual(
      before?.closed?.untilMs ?? -Infinity,
    );
    this.progress[stream] = progress;
  }
}

const windowFor = ({ window }: SeriesDefinition, timeMs: number): TimeWindow =>
  windowsAt(gridOf(window as TumblingWindow), timeMs)[0]!;
const idOf = (...parts: readonly unknown[]): string => JSON.stringify(parts);

/** The slow, obvious answer: every window of the accepted events, computed from the events. */
function recompute(
  accepted: readonly { readonly series: string; readonly event: Event }[],
): Map<string, { series: SeriesDefinition; stream: string; startMs: number; measures: JsonObject }> {
  const groups = new Map<
    string,
    { series: SeriesDefinition; stream: string; startMs: number; events: Event[] }
  >();
  for (const { series: name, event } of accepted) {
    const series = SERIES.find((each) => each.name === name)!;
    const { startMs } = windowFor(series, event.timeMs);
    const key = Object.fromEntries(series.by.map((field) => [field, event.data[field] ?? null]));
    const id = idOf(name, event.stream, startMs, key);
    if (!groups.has(id)) groups.set(id, { series, stream: event.stream, startMs, events: [] });
    groups.get(id)!.events.push(event);
  }
  return new Map(
    [...groups].map(([id, { series, stream, startMs, events }]) => {
      const measures = series.measures.map(({ name, aggregator, value, where }) => {
        const state = aggregator.create();
        for (const event of events)
          if (where?.(event.data) !== false) aggregator.add(state, value?.(event.data), event);
        return [name, throughJson(aggregator.result(state))];
      });
      return [id, { series, stream, startMs, measures: Object.fromEntries(measures) as JsonObject }];
    }),
  );
}

class Simulation {
  readonly locals = Array.from({ length: TASKS }, () => new LocalTask());
  readonly global = new GlobalTask();
  readonly frames: LocalFrame[][] = this.locals.map(() => []);
  readonly events: Event[][] = this.locals.map(() => []);
  nowMs = 1_000;
  /** Goes on with the events; they lie around it. */
  eventMs = -100;
  closes = 0;

  event(task: number, stream: string, offsetMs: number, data: Fields): void {
    const id = `${task}/${this.events[task]!.length}`;
    const event = { id, stream, timeMs: this.eventMs + offsetMs, receivedMs: this.eventMs, type: 't', data };
    this.eventMs += 2;
    this.events[task]!.push(event);
    this.locals[task]!.apply({ kind: 'event', event });
  }

  commit(task: number): void {
    this.frames[task]!.push(this.locals[task]!.commit(task));
  }

  deliver(task: number): void {
    const frame = this.frames[task]!.shift();
    if (frame !== undefined) this.global.apply(frame);
  }

  tick(): void {
    this.nowMs += 10;
    const siblings = new Map<number, JsonObject>();
    this.locals.forEach(
      ({ committedFacts }, task) => committedFacts !== undefined && siblings.set(task, committedFacts),
    );
    for (const { aggregation } of this.locals) aggregation.times.tick({ nowMs: this.nowMs, siblings });
  }

  close(stream: string): void {
    const closeId = `close-${this.closes++}`;
    for (const local of this.locals) local.apply({ kind: 'closing', stream, closeId });
  }

  /** Lets everything that is under way arrive. */
  settle(): void {
    for (let round = 0; round < 4; round++) {
      this.locals.forEach((_, task) => this.commit(task));
      this.tick();
    }
    this.frames.forEach((frames, task) => {
      while (frames.length > 0) this.deliver(task);
    });
    while (this.global.commitSlice(3));
  }

  check(): void {
    const { rows, progress, aggregation } = this.global;
    expect(aggregation.refused).toBe(0);
    expect(new Map(throughJson([...aggregation.cells()]))).toEqual(this.global.cells);
    const expected = recompute(this.locals.flatMap(({ accepted }) => accepted));
    for (const [id, { series, stream, startMs, measures }] of expected) {
      const { watermarkMs = -Infinity, closed } = progress[stream] ?? {};
      const isComplete =
        watermarkMs >= windowFor(series, startMs).endMs || (closed?.untilMs ?? -Infinity) >= startMs;
      expect(rows.get(id)?.measures).toEqual(isComplete ? measures : undefined);
    }
    for (const id of rows.keys()) expect(expected.has(id)).toBe(true);
  }
}

const task = fc.integer({ min: 0, max: TASKS - 1 });
const stream = fc.constantFrom(...STREAMS);
const data = fc.record({
  path: fc.constantFrom('a', 'b', 'c', undefined),
  plan: fc.constantFrom('free', 1, true, null),
  bytes: fc.oneof(fc.integer({ min: 0, max: 100 }), fc.constant(undefined)),
});
type Step = (simulation: Simulation) => void;
const eventStep = fc.tuple(task, stream, fc.integer({ min: -90, max: 60 }), data).map(
  ([to, of, timeMs, fields]): Step =>
    (simulation) =>
      simulation.event(to, of, timeMs, fields),
);
const commitStep = task.map(
  (of): Step =>
    (simulation) =>
      simulation.commit(of),
);
const deliverStep = task.map(
  (of): Step =>
    (simulation) =>
      simulation.deliver(of),
);
const emitStep = fc.integer({ min: 1, max: 5 }).map((budget): Step => (simulation) => {
  simulation.global.commitSlice(budget);
});
const crashStep = fc.oneof(
  task.map(
    (of): Step =>
      (simulation) =>
        simulation.locals[of]!.crash(),
  ),
  fc.constant<Step>((simulation) => simulation.global.crash()),
);
const idleStep = fc
  .tuple(fc.integer({ min: 1, max: 20 }), fc.array(task))
  .map(([ticks, beating]): Step => (simulation) => {
    for (let i = 0; i < ticks; i++) {
      for (const of of beating) simulation.locals[of]!.apply({ kind: 'heartbeat', nowMs: simulation.nowMs });
      simulation.tick();
    }
  });
const flushStep = task.map((of): Step => (simulation) => {
  simulation.commit(of);
  while (simulation.frames[of]!.length > 0) simulation.deliver(of);
  while (simulation.global.commitSlice(10));
});
const closeStep = stream.map(
  (of): Step =>
    (simulation) =>
      simulation.close(of),
);
const lookStep = fc.constant<Step>((simulation) => {
  for (const row of simulation.global.aggregation.changedOpen(2).rows) expect(row.revision).toBe(0);
});

/** Runs the steps; `check` after each, and after all has settled. */
function run(steps: readonly Step[]): Simulation {
  const simulation = new Simulation();
  for (const step of steps) step(simulation);
  simulation.settle();
  simulation.check();
  return simulation;
}

describe('local and global stage', () => {
  it('give what recomputing all events gives, for any order, interleaving, commits and crashes', () => {
    const step = fc.oneof(
      { weight: 8, arbitrary: eventStep },
      { weight: 2, arbitrary: commitStep },
      { weight: 2, arbitrary: deliverStep },
      { weight: 1, arbitrary: emitStep },
      { weight: 2, arbitrary: flushStep },
      { weight: 1, arbitrary: crashStep },
      { weight: 1, arbitrary: lookStep },
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 120, size: 'max' }), (steps) => {
        const simulation = run(steps);
        // Without idleness and closes lateness follows from the order of events alone.
        simulation.locals.forEach(({ accepted }, of) => {
          expect(accepted).toEqual(acceptedByOrder(simulation.events[of]!));
        });
      }),
    );
  });

  it('lose and double nothing, with idleness and closes at any step', () => {
    const step = fc.oneof(
      { weight: 10, arbitrary: eventStep },
      { weight: 3, arbitrary: commitStep },
      { weight: 3, arbitrary: deliverStep },
      { weight: 2, arbitrary: emitStep },
      { weight: 2, arbitrary: flushStep },
      { weight: 1, arbitrary: crashStep },
      { weight: 1, arbitrary: idleStep },
      { weight: 1, arbitrary: closeStep },
    );
    fc.assert(fc.property(fc.array(step, { maxLength: 120, size: 'max' }), (steps) => void run(steps)));
  });

  it('keep nothing of windows that are final', () => {
    const simulation = new Simulation();
    for (let i = 0; i < 2_000; i++) {
      simulation.event(i % 2, 'web', (i * 7) % 30, { path: 'a', bytes: 1 });
    }
    simulation.close('web');
    simulation.settle();
    simulation.check();
    expect([...simulation.global.cells.keys()].filter((name) => name.startsWith('['))).toHaveLength(0);
  });
});

/** Lateness by definition: the watermark before an event is the highest time before it, less the out-of-orderness. */
function acceptedByOrder(events: readonly Event[]): { series: string; event: Event }[] {
  const isFuture = ({ timeMs, receivedMs }: Event): boolean => timeMs > receivedMs + TIME.maxFutureSkewMs;
  return events.flatMap((event, i) => {
    const before = events.slice(0, i).filter((other) => other.stream === event.stream && !isFuture(other));
    const watermarkMs = Math.max(-Infinity, ...before.map(({ timeMs }) => timeMs)) - TIME.maxOutOfOrdernessMs;
    return SERIES.filter((series) => {
      const { where, allowedLatenessMs } = series;
      if (isFuture(event) || where?.(event.data) === false) return false;
      const { endMs } = windowFor(series, event.timeMs);
      return watermarkMs < endMs || watermarkMs - endMs < allowedLatenessMs;
    }).map(({ name }) => ({ series: name, event }));
  });
}
