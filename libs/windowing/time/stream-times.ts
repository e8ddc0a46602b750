import type { JsonObject, JsonValue } from '#libs/kernel';
import { type ClosingFact, Closings } from './closings.js';
import type { TimeDefinition } from '../series.js';
import type { StreamProgress } from './stream-progress.js';
import { StreamTime } from './stream-time.js';
import type { TaskFacts, TaskMoment } from './task-facts.js';

/** Enrich beats every 2 s: a partition that is not known to be read up to this long ago is down, paused or behind. */
const FRESH_MS = 5_000;
const STREAM_CELL = 'stream/';
const CLOSINGS_CELL = 'closings';

/**
 * One local task's sense of time, for each of its streams.
 *
 *     partition   e e e h h h h h h h h h h h e          e: event of the stream, h: heartbeat
 *     wall clock  0         2    …    10  12  14 s
 *     idle              |- idleAfter -|-------|          from the first tick that finds the quiet long enough
 *
 * S1. A stream is idle here only while the partition is read to its end, has been so for `idleAfter`, and held
 *     nothing of the stream for as long. Traffic of another stream does not keep it awake: a finished log beside live
 *     traffic would never complete.
 * S2. Read to its end: up to what was stored at most 5 s ago. A task that goes over old heartbeats does not take them
 *     for the present.
 */
export class StreamTimes {
  readonly #time: TimeDefinition;
  readonly #tasks: number;
  readonly #streams = new Map<string, StreamTime>();
  #closings = new Closings();
  #readUpToMs = -Infinity;
  #settledSinceMs: number | undefined;

  /** @param tasks how many local tasks the pipeline has */
  constructor(time: TimeDefinition, tasks: number) {
    this.#time = time;
    this.#tasks = tasks;
  }

  /** The stream's time; from now on the stream is known. */
  of(stream: string): StreamTime {
    const known = this.#streams.get(stream);
    if (known !== undefined) return known;
    const created = new StreamTime(this.#time);
    this.#streams.set(stream, created);
    return created;
  }

  /** The partition has been read to the end, as of the moment at which the log stored this heartbeat, epoch milliseconds. */
  readUpTo(storedMs: number): void {
    if (storedMs > this.#readUpToMs) this.#readUpToMs = storedMs;
  }

  /** Something of the stream came in that has no event time; a stream that is not known stays so. */
  touch(stream: string): void {
    this.#streams.get(stream)?.touch();
  }

  /** A closing marker: everything of the stream up to here has been seen. */
  closing(stream: string, closeId: string): void {
    this.#closings.record(closeId, stream, this.of(stream).highestMs);
  }

  /** Decides idleness and closings. */
  tick(moment: TaskMoment): void {
    const facts = moment.siblings as ReadonlyMap<number, TaskFacts>;
    this.#settle(moment.nowMs);
    if (this.#settledSinceMs !== undefined) this.#learnStreams(facts);
    for (const [name, stream] of this.#streams) {
      stream.tick({
        nowMs: moment.nowMs,
        settledSinceMs: this.#settledSinceMs,
        committedHighestMs: this.#settledSinceMs === undefined ? -Infinity : highestOf(name, facts),
      });
    }
    // One close of a stream at a time, for a frame tells one.
    const decided = this.#closings.decide(facts, this.#tasks, (stream) => !this.of(stream).isCloseWaiting);
    for (const { closeId, stream, untilMs } of decided) this.of(stream).close(closeId, untilMs);
  }

  /** Is somebody waiting for a commit of this task: a closing was recorded or decided that is not told yet. */
  get isCloseWaiting(): boolean {
    return this.#closings.isDirty || [...this.#streams.values()].some((stream) => stream.isCloseWaiting);
  }

  /** Is there anything that {@link takeProgress} would tell. */
  get hasProgress(): boolean {
    return [...this.#streams.values()].some((stream) => stream.hasProgress);
  }

  /** What changed since the last call, by stream; undefined: nothing. */
  takeProgress(): Readonly<Record<string, StreamProgress>> | undefined {
    const changed = [...this.#streams].filter(([, stream]) => stream.hasProgress);
    if (changed.length === 0) return undefined;
    return Object.fromEntries(changed.map(([name, stream]) => [name, stream.takeProgress()]));
  }

  /** What the other local tasks need of this one, as a {@link TaskFacts}. */
  facts(): JsonObject {
    const withEvents = [...this.#streams].filter(([, { highestMs }]) => highestMs > -Infinity);
    return {
      streams: Object.fromEntries(withEvents.map(([name, { highestMs }]) => [name, { highestMs }])),
      closings: this.#closings.facts(),
    };
  }

  restore(cells: ReadonlyMap<string, JsonValue>): void {
    for (const [name, value] of cells) {
      if (name.startsWith(STREAM_CELL)) {
        this.#streams.set(name.slice(STREAM_CELL.length), StreamTime.decode(value, this.#time));
      } else if (name === CLOSINGS_CELL) {
        this.#closings = new Closings(value as Readonly<Record<string, ClosingFact>>);
      }
    }
  }

  /** The cells that changed since the last call; undefined: removed. */
  *changes(): Iterable<readonly [string, JsonValue | undefined]> {
    for (const [name, stream] of this.#streams) {
      if (!stream.isDirty) continue;
      stream.isDirty = false;
      yield [STREAM_CELL + name, stream.encode()];
    }
    if (!this.#closings.isDirty) return;
    this.#closings.isDirty = false;
    yield [CLOSINGS_CELL, this.#closings.encode()];
  }

  *cells(): Iterable<readonly [string, JsonValue]> {
    for (const [name, stream] of this.#streams) yield [STREAM_CELL + name, stream.encode()];
    const closings = this.#closings.encode();
    if (closings !== undefined) yield [CLOSINGS_CELL, closings];
  }

  #settle(nowMs: number): void {
    if (nowMs - this.#readUpToMs > FRESH_MS) this.#settledSinceMs = undefined;
    else this.#settledSinceMs ??= nowMs;
  }

  /** A stream that other partitions have events of must not wait for this one for ever: it may be idle here, too. */
  #learnStreams(facts: ReadonlyMap<number, TaskFacts>): void {
    for (const { streams } of facts.values()) {
      for (const name in streams) this.of(name);
    }
  }
}

function highestOf(stream: string, facts: ReadonlyMap<number, TaskFacts>): number {
  let highestMs = -Infinity;
  for (const { streams } of facts.values())
    highestMs = Math.max(highestMs, streams?.[stream]?.highestMs ?? -Infinity);
  return highestMs;
}
