import { type DeadEvent, isDeadEvent, type JsonObject, type JsonValue, type StreamEvent } from '#libs/kernel';
import type { Frame, FrameHeader } from '#libs/messaging';
import { FACTS, type Telemetry } from '#libs/observability';
import type { TimeDefinition } from '#libs/windowing';
import { asError } from '../functions.errors.js';
import { isForAnother } from '../model/addressed.js';
import { PureUserCode, type Quarantined } from '../model/pure-user-code.js';
import type { FunctionTopics } from '../model/function-topics.js';
import type { Moment, Outputs, TaskInput, TaskLogic, Urgency } from '../task-logic.js';
import type { JoinSource } from './join-function.js';
import type { JoinFate, JoinOutlet } from './join-outlet.js';
import { type JoinTimes, type Place, PLACES } from './join-times.js';

export interface JoinTaskOptions {
  /** Of the join. */
  readonly name: string;
  readonly pipeline: string;
  readonly time: TimeDefinition;
  readonly topics: FunctionTopics;
  readonly telemetry: Telemetry;
}

/** What a kind of join does with the events that come in on its sides. */
export interface JoinCore {
  /** @returns how the event ends on this side */
  take(place: Place, key: string, event: StreamEvent): JoinFate;
  /** Puts out what is due until the budget is used up. @returns true: there is more */
  release(hasRoom: () => boolean): boolean;
  readonly isAnyDue: boolean;
  /** Is the side to be read on. */
  wants(place: Place): boolean;
  restore(cells: ReadonlyMap<string, JsonValue>): void;
  changes(): Iterable<readonly [string, JsonValue | undefined]>;
  cells(): Iterable<readonly [string, JsonValue]>;
}

/** One input of a join, as a task reads it. */
export interface JoinInput {
  readonly place: Place;
  readonly source: JoinSource<unknown>;
  /** Full name. */
  readonly topic: string;
}

export interface JoinTaskParts {
  readonly inputs: readonly [JoinInput, JoinInput];
  readonly times: JoinTimes;
  readonly outlet: JoinOutlet;
  readonly core: JoinCore;
}

type Item = StreamEvent | DeadEvent;

/** How an event ended, where both sides looked at it: the first that is true of any. */
const FATES: readonly JoinFate[] = ['taken', 'not-kept', 'late', 'dead', 'skipped', 'future', 'filtered'];

/** Runs one join over one partition of its inputs. */
export class JoinTask implements TaskLogic {
  readonly userCode: PureUserCode;

  constructor(
    private readonly options: JoinTaskOptions,
    private readonly parts: JoinTaskParts,
  ) {
    this.userCode = new PureUserCode(options.name, (quarantined) => this.#quarantine(quarantined));
  }

  restore(cells: ReadonlyMap<string, JsonValue>): void {
    const { times, outlet, core } = this.parts;
    for (const part of [times, outlet.counters, core]) part.restore(cells);
  }

  apply(input: TaskInput, outputs: Outputs): void {
    const { outlet, inputs } = this.parts;
    outlet.use(outputs);
    const readers = inputs.filter(({ topic }) => topic === input.delivery.topic);
    const { header, items } = input.frame as Frame<Item>;
    for (const item of items) {
      if (isDeadEvent(item)) this.#takeDead(item, readers, input);
      else if (isForAnother(item, this.options.name)) this.#leave();
      else outlet.count(this.#takeEvent(item, readers, input));
    }
    for (const { place } of readers) this.#takeHeader(place, header, input.delivery.publishTimeMs);
    outlet.counters.settle();
  }

  tick(moment: Moment): void {
    this.parts.times.tick(moment);
  }

  flush(outputs: Outputs, budgetBytes: number): 'done' | 'more' {
    const { times, outlet, core } = this.parts;
    outlet.use(outputs);
    times.takeProgress();
    const more = core.release(() => outputs.bytes < budgetBytes);
    outlet.hasOutput = false;
    outlet.counters.settle();
    outlet.tellCounters();
    return more ? 'more' : 'done';
  }

  *changes(): Iterable<readonly [string, JsonValue | undefined]> {
    const { times, outlet, core } = this.parts;
    yield* times.changes();
    yield* outlet.counters.changes();
    yield* core.changes();
  }

  *cells(): Iterable<readonly [string, JsonValue]> {
    const { times, outlet, core } = this.parts;
    yield* times.cells();
    yield* outlet.counters.cells();
    yield* core.cells();
  }

  facts(): JsonObject {
    return this.parts.times.facts();
  }

  urgency(): Urgency {
    const { times, outlet, core } = this.parts;
    return outlet.hasOutput || core.isAnyDue || times.isCloseWaiting ? 'soon' : 'pace';
  }

  /** A topic that both sides read is always read: its time is what they wait for. */
  wants(topic: string): boolean {
    const readers = this.parts.inputs.filter((input) => input.topic === topic);
    return readers.length !== 1 || this.parts.core.wants(readers[0]!.place);
  }

  /** Time has come this far on every side, as by an event that is not for this join; for tests. */
  observeTime(stream: string, timeMs: number): void {
    for (const place of PLACES) this.parts.times.observe(place, stream, timeMs);
  }

  #quarantine({ event, input, error, outputs }: Quarantined): void {
    const { times, outlet, inputs } = this.parts;
    outlet.use(outputs);
    const readers = inputs.filter(({ topic }) => topic === input.delivery.topic);
    const isFuture = event.timeMs - event.receivedMs > this.options.time.maxFutureSkewMs;
    for (const { place } of readers) times.observe(place, event.stream, isFuture ? undefined : event.timeMs);
    outlet.count(outlet.fail(event, error, input.delivery));
  }

  #leave(): void {
    const { pipeline, name, telemetry } = this.options;
    telemetry.record(FACTS.addressedElsewhere, { pipeline, stage: name });
  }

  #takeEvent(event: StreamEvent, readers: readonly JoinInput[], input: TaskInput): JoinFate {
    const { times, outlet } = this.parts;
    const byMs = event.timeMs - event.receivedMs - this.options.time.maxFutureSkewMs;
    for (const { place } of readers) times.observe(place, event.stream, byMs > 0 ? undefined : event.timeMs);
    if (byMs > 0) {
      outlet.refuse(event, 'future', byMs);
      return 'future';
    }
    const fates = readers.map((reader) => this.#offer(event, reader, input));
    return FATES.find((fate) => fates.includes(fate)) ?? 'filtered';
  }

  #offer(event: StreamEvent, { place, source }: JoinInput, { delivery }: TaskInput): JoinFate {
    const { core, outlet } = this.parts;
    const key = keyFor(event, source);
    if (key === undefined) return 'filtered';
    return typeof key === 'string' ? core.take(place, key, event) : outlet.fail(event, key, delivery);
  }

  #takeDead(event: DeadEvent, readers: readonly JoinInput[], { delivery }: TaskInput): void {
    const { times, outlet } = this.parts;
    for (const { place } of readers) times.touch(place, event.stream);
    // What died before `enriched` is told by the aggregation.
    if (readers.some(({ source }) => source.topic.endsWith('.enriched'))) return;
    outlet.dead(event, delivery);
    outlet.count('dead');
  }

  #takeHeader(place: Place, { markers = [], dropped = {}, caughtUp }: FrameHeader, storedMs: number): void {
    const { times } = this.parts;
    for (const marker of markers) {
      if (marker.type === 'open') times.open(place, marker.stream);
      else times.closing(place, marker.stream, marker.closeId);
    }
    for (const stream of Object.keys(dropped)) times.touch(place, stream);
    if (caughtUp === true) times.readUpTo(place, storedMs);
  }
}

/** The key of an event; undefined: it is not for this side; an error: user code has failed. */
function keyFor(event: StreamEvent, { where, by }: JoinSource<unknown>): string | Error | undefined {
  try {
    if (where !== undefined && !where(event.data, event)) return undefined;
    if (by === undefined) return event.key ?? event.id;
    const key: unknown = by(event.data, event);
    return typeof key === 'string' ? key : new TypeError(`by gave ${typeof key}, wanted a text`);
  } catch (error) {
    return asError(error);
  }
}
