import { parseDuration, type JsonValue, type StreamEvent } from '#libs/kernel';
import { IntervalJoin, type JoinSide, type Pair } from './interval-join.js';
import type { AnyIntervalJoin } from './join-function.js';
import type { JoinFate, JoinOutlet } from './join-outlet.js';
import type { JoinCore } from './join-task.js';
import type { JoinTimes, Place } from './join-times.js';

const DEFAULT_MAX_EVENTS = 100_000;
export const DEFAULT_JOIN_STATE_BYTES = 64 * 1024 * 1024;
/** Kept events that are dropped between two looks at the budget. */
const DROPPED_AT_ONCE = 256;

/** Pairs events of two streams within an interval. */
export class IntervalCore implements JoinCore {
  readonly #join: IntervalJoin;
  readonly #maxEvents: number;

  constructor(
    private readonly definition: AnyIntervalJoin,
    private readonly times: JoinTimes,
    private readonly outlet: JoinOutlet,
  ) {
    const { kind, within, maxEvents = DEFAULT_MAX_EVENTS, maxStateBytes } = definition;
    this.#maxEvents = maxEvents;
    this.#join = new IntervalJoin({
      kind,
      beforeMs: parseDuration(within.before),
      afterMs: parseDuration(within.after),
      maxEvents,
      maxBytes: maxStateBytes ?? DEFAULT_JOIN_STATE_BYTES,
    });
  }

  take(place: Place, key: string, event: StreamEvent): JoinFate {
    const side: JoinSide = place === 0 ? 'left' : 'right';
    const outcome = this.#join.add({ side, key, event }, this.times.lowestMs(event.stream));
    if (outcome.kind === 'late') {
      this.outlet.refuse(event, 'late', outcome.byMs);
      return 'late';
    }
    for (const pair of outcome.pairs) this.#emit(pair);
    if (outcome.isKept) return 'taken';
    this.outlet.refuse(event, 'not-kept', 0);
    return 'not-kept';
  }

  release(hasRoom: () => boolean): boolean {
    for (const stream of this.#join.streams()) {
      for (let more = true; more;) {
        if (!hasRoom()) return this.isAnyDue;
        const expired = this.#join.expire(stream, this.times.lowestMs(stream), DROPPED_AT_ONCE);
        for (const pair of expired.unmatched) this.#emit(pair);
        this.outlet.count('unmatched', expired.unmatched.length);
        ({ more } = expired);
      }
    }
    return false;
  }

  get isAnyDue(): boolean {
    return this.#join
      .streams()
      .some((stream) => this.#join.isAnyExpired(stream, this.times.lowestMs(stream)));
  }

  /** While much is kept the side that is ahead waits for the other one: it is for that one's sake that it is kept. */
  wants(place: Place): boolean {
    if (this.#join.size * 2 < this.#maxEvents) return true;
    const other: Place = place === 0 ? 1 : 0;
    const isAhead = (stream: string): boolean =>
      this.times.watermarkMs(place, stream) > this.times.watermarkMs(other, stream);
    return !this.#join.streams().some(isAhead);
  }

  restore(cells: ReadonlyMap<string, JsonValue>): void {
    this.#join.restore(cells);
  }

  changes(): Iterable<readonly [string, JsonValue | undefined]> {
    return this.#join.changes();
  }

  cells(): Iterable<readonly [string, JsonValue]> {
    return this.#join.cells();
  }

  #emit(pair: Pair): void {
    const { left, right, stream, key } = pair;
    this.outlet.emit({
      id: `${left?.id ?? ''}+${right?.id ?? ''}`,
      stream,
      key,
      timeMs: Math.max(left?.timeMs ?? -Infinity, right?.timeMs ?? -Infinity),
      original: pair,
      make: () => this.definition.join(left?.data, right?.data, pair),
    });
  }
}
