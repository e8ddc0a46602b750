import { isDeepStrictEqual } from 'node:util';
import type { JsonObject, JsonValue, StreamEvent } from '#libs/kernel';
import type { Aggregator, Fields } from './aggregators/aggregator.js';
import { GlobalAggregation } from './global/global-aggregation.js';
import type { RowIdentity, WindowResult } from './global/window-result.js';
import { LocalAggregation } from './local/local-aggregation.js';
import type { Partial } from './partial.js';
import type { SeriesDefinition } from './series.js';
import type { StreamProgress } from './time/stream-progress.js';

// Local tasks and one global task, with commits, crashes, idleness and closes wherever they fall: for the tests of
// kinds of windows whose places depend on the events.

export const TIME = { maxOutOfOrdernessMs: 20, maxFutureSkewMs: 50, idleAfterMs: 30 };
export const TASKS = 2;

export type TestEvent = StreamEvent<Fields>;

/** What a local task took, and what it knew when it did. */
export interface Accepted {
  readonly series: string;
  readonly event: TestEvent;
  readonly watermarkMs: number;
  readonly closedUntilMs: number | undefined;
}

interface LocalFrame {
  readonly task: number;
  readonly partials: readonly Partial[];
  readonly progress: Readonly<Record<string, StreamProgress>>;
}

type Input =
  | { readonly kind: 'event'; readonly event: TestEvent }
  | { readonly kind: 'closing'; readonly stream: string; readonly closeId: string }
  | { readonly kind: 'heartbeat'; readonly nowMs: number };

/** Which events: nothing lost, nothing doubled shows in it. */
export const eventIds: Aggregator<string[], string[]> = {
  name: 'eventIds',
  create: () => [],
  add: (state, _, event) => void state.push(event.id),
  merge: (into, other) => void into.push(...other),
  encode: (state) => [...state],
  decode: (json) => [...(json as string[])],
  result: (state) => state.toSorted(),
};

export const identityText = (row: RowIdentity): string =>
  JSON.stringify([row.series, row.stream, row.windowStartMs, row.windowEndMs, row.key]);

/** The fixture is no spec, and has no `expect`. */
function mustBe(actual: unknown, expected: unknown): void {
  if (isDeepStrictEqual(actual, expected)) return;
  throw new Error(`${JSON.stringify(actual)} is not ${JSON.stringify(expected)}`);
}

function throughJson<T>(value: T): T {
  return JSON.parse(JSON.stringify(value)) as T;
}

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
  aggregation: LocalAggregation;
  committedFacts: JsonObject | undefined;
  readonly accepted: Accepted[] = [];
  readonly #cells = new Map<string, JsonValue>();
  #uncommitted: Input[] = [];
  #pending: Accepted[] = [];

  constructor(private readonly series: readonly SeriesDefinition[]) {
    this.aggregation = new LocalAggregation(series, TIME, TASKS);
  }

  apply(input: Input): void {
    this.#uncommitted.push(input);
    if (input.kind === 'closing') this.aggregation.times.closing(input.stream, input.closeId);
    else if (input.kind === 'heartbeat') this.aggregation.times.readUpTo(input.nowMs);
    else this.#add(input.event);
  }

  commit(task: number): LocalFrame {
    const partials = throughJson(this.aggregation.drain());
    const progress = throughJson(this.aggregation.times.takeProgress() ?? {});
    this.committedFacts = throughJson(this.aggregation.times.facts());
    store(this.#cells, this.aggregation.changes());
    this.accepted.push(...this.#pending);
    this.#pending = [];
    this.#uncommitted = [];
    return { task, partials, progress };
  }

  crash(): void {
    this.aggregation = new LocalAggregation(this.series, TIME, TASKS);
    this.aggregation.restore(this.#cells);
    this.#pending = [];
    const again = this.#uncommitted;
    this.#uncommitted = [];
    for (const input of again) this.apply(input);
  }

  #add(event: TestEvent): void {
    const outcome = this.aggregation.add(event);
    if (outcome.kind === 'future') return;
    mustBe(outcome.counted + outcome.late.length, this.series.length);
    const refused = new Set(outcome.late.map(({ series }) => series));
    const { watermarkMs, closedUntilMs } = this.aggregation.times.of(event.stream);
    for (const { name } of this.series)
      if (!refused.has(name)) this.#pending.push({ series: name, event, watermarkMs, closedUntilMs });
  }
}

class GlobalTask {
  aggregation: GlobalAggregation;
  /** Delivered rows, newest revision of each. */
  readonly rows = new Map<string, WindowResult>();
  /** What somebody who watches the open windows sees. */
  readonly shown = new Map<string, WindowResult>();
  readonly progress: Record<string, StreamProgress> = {};
  readonly cells = new Map<string, JsonValue>();
  #uncommitted: LocalFrame[] = [];

  constructor(
    private readonly series: readonly SeriesDefinition[],
    private readonly onRow: (row: WindowResult, before: WindowResult | undefined) => void,
  ) {
    this.aggregation = new GlobalAggregation(series, TASKS);
  }

  apply(frame: LocalFrame): void {
    this.#uncommitted.push(frame);
    for (const partial of frame.partials) mustBe(this.aggregation.merge(partial), { kind: 'merged' });
    for (const [stream, progress] of Object.entries(frame.progress))
      this.aggregation.advance(frame.task, stream, progress);
  }

  /** One slice of an emission, committed and delivered. */
  commitSlice(budget: number): boolean {
    const { rows, more } = this.aggregation.emit(budget);
    mustBe(rows.length <= budget, true);
    const told = more ? {} : this.aggregation.takeProgress();
    store(this.cells, this.aggregation.changes());
    this.#uncommitted = [];
    for (const row of throughJson(rows)) this.#deliver(row);
    for (const [stream, progress] of Object.entries(told)) this.progress[stream] = progress;
    return more;
  }

  look(newest?: number): void {
    const { rows, gone } = this.aggregation.changedOpen(newest);
    for (const row of gone) this.shown.delete(identityText(row));
    for (const row of rows) this.shown.set(identityText(row), row);
  }

  crash(): void {
    // The view of open windows is best effort: what was shown before a crash is not known after it.
    this.shown.clear();
    this.aggregation = new GlobalAggregation(this.series, TASKS);
    this.aggregation.restore(new Map(this.cells));
    mustBe(new Map(throughJson([...this.aggregation.cells()])), this.cells);
    const again = this.#uncommitted;
    this.#uncommitted = [];
    for (const frame of again) this.apply(frame);
  }

  #deliver(row: WindowResult): void {
    const id = identityText(row);
    const before = this.rows.get(id);
    mustBe(row.revision, (before?.revision ?? -1) + 1);
    this.onRow(row, before);
    this.rows.set(id, row);
    this.shown.delete(id);
  }
}

export class Simulation {
  readonly locals: readonly LocalTask[];
  readonly global: GlobalTask;
  readonly #frames: LocalFrame[][];
  nowMs = 1_000;
  /** Goes on with the events; they lie around it. */
  eventMs = -100;
  #events = 0;
  #closes = 0;

  /** @param onRow looks at each row that is delivered, and at the former revision */
  constructor(
    series: readonly SeriesDefinition[],
    onRow: (row: WindowResult, before: WindowResult | undefined, simulation: Simulation) => void = () =>
      undefined,
  ) {
    this.locals = Array.from({ length: TASKS }, () => new LocalTask(series));
    this.#frames = this.locals.map(() => []);
    this.global = new GlobalTask(series, (row, before) => onRow(row, before, this));
  }

  get accepted(): readonly Accepted[] {
    return this.locals.flatMap(({ accepted }) => accepted);
  }

  get retractions(): number {
    return [...this.global.rows.values()].filter(({ retracted }) => retracted).length;
  }

  event(task: number, offsetMs: number, data: Fields, stream = 'web'): void {
    const timeMs = this.eventMs + offsetMs;
    const id = `${task}/${this.#events++}@${timeMs}`;
    this.locals[task]!.apply({
      kind: 'event',
      event: { id, stream, timeMs, receivedMs: this.eventMs, type: 't', data },
    });
    this.eventMs += 2;
  }

  commit(task: number): void {
    this.#frames[task]!.push(this.locals[task]!.commit(task));
  }

  deliver(task: number): void {
    const frame = this.#frames[task]!.shift();
    if (frame !== undefined) this.global.apply(frame);
  }

  flush(task: number): void {
    this.commit(task);
    while (this.#frames[task]!.length > 0) this.deliver(task);
    while (this.global.commitSlice(10));
  }

  heartbeats(tasks: readonly number[]): void {
    for (const task of tasks) this.locals[task]!.apply({ kind: 'heartbeat', nowMs: this.nowMs });
    this.tick();
  }

  tick(): void {
    this.nowMs += 10;
    const siblings = new Map<number, JsonObject>();
    this.locals.forEach(
      ({ committedFacts }, task) => committedFacts !== undefined && siblings.set(task, committedFacts),
    );
    for (const { aggregation } of this.locals) aggregation.times.tick({ nowMs: this.nowMs, siblings });
  }

  close(stream = 'web'): void {
    const closeId = `close-${this.#closes++}`;
    for (const local of this.locals) local.apply({ kind: 'closing', stream, closeId });
  }

  /** Lets everything that is under way arrive. */
  settle(): void {
    for (let round = 0; round < 4; round++) {
      this.locals.forEach((_, task) => this.commit(task));
      this.tick();
    }
    this.#frames.forEach((frames, task) => {
      while (frames.length > 0) this.deliver(task);
    });
    while (this.global.commitSlice(3));
    this.global.look();
    mustBe(this.global.aggregation.refused, 0);
    mustBe(new Map(throughJson([...this.global.aggregation.cells()])), this.global.cells);
  }
}
