import { parseDuration, type JsonValue, type StreamEvent } from '#libs/kernel';
import { DEFAULT_JOIN_STATE_BYTES } from './interval-core.js';
import type { AnyTableJoin } from './join-function.js';
import type { JoinFate, JoinOutlet } from './join-outlet.js';
import type { JoinCore } from './join-task.js';
import type { JoinTimes, Place } from './join-times.js';
import { VersionedTable } from './versioned-table.js';
import { WaitingEvents } from './waiting-events.js';

const DEFAULT_MAX_WAITING = 10_000;

/**
 * Joins each event with the row that was valid at its time.
 *
 *     table     ──────[ history ]──W───▸         W: the watermark of the table, all its streams together
 *     event     late │ joined at once │ waits    an update at or above W may still come: not before W is past the event
 *                                                is it known which row was valid then
 *
 * T1. An event that is not late finds the newest version at or before its time, whatever the order in which both came,
 *     as long as the updates were on time.
 * T2. An update below the watermark counts from its arrival on: for events that are joined later, not for those that were;
 *     below the history it is late.
 */
export class TableCore implements JoinCore {
  readonly #table = new VersionedTable();
  readonly #waiting = new WaitingEvents();
  readonly #historyMs: number;
  readonly #maxWaiting: number;
  readonly #maxBytes: number;

  constructor(
    private readonly definition: AnyTableJoin,
    private readonly times: JoinTimes,
    private readonly outlet: JoinOutlet,
  ) {
    this.#historyMs = parseDuration(definition.table.history);
    this.#maxWaiting = definition.maxWaiting ?? DEFAULT_MAX_WAITING;
    this.#maxBytes = definition.maxStateBytes ?? DEFAULT_JOIN_STATE_BYTES;
  }

  take(place: Place, key: string, event: StreamEvent): JoinFate {
    return place === 0 ? this.#takeEvent(key, event) : this.#takeUpdate(key, event);
  }

  release(hasRoom: () => boolean): boolean {
    const watermarkMs = this.times.watermarkMs(1);
    while (this.#waiting.isAnyBelow(watermarkMs)) {
      if (!hasRoom()) return true;
      const { key, event } = this.#waiting.takeBelow(watermarkMs)!;
      this.#emit(key, event);
    }
    this.#table.forgetBefore(watermarkMs - this.#historyMs);
    return false;
  }

  get isAnyDue(): boolean {
    return this.#waiting.isAnyBelow(this.times.watermarkMs(1));
  }

  /** The stream waits where too many of its events wait for the table. The table is always read. */
  wants(place: Place): boolean {
    return place === 1 || this.#waiting.size < this.#maxWaiting;
  }

  restore(cells: ReadonlyMap<string, JsonValue>): void {
    this.#table.restore(cells);
    this.#waiting.restore(cells);
  }

  *changes(): Iterable<readonly [string, JsonValue | undefined]> {
    yield* this.#table.changes();
    yield* this.#waiting.changes();
  }

  *cells(): Iterable<readonly [string, JsonValue]> {
    yield* this.#table.cells();
    yield* this.#waiting.cells();
  }

  #takeEvent(key: string, event: StreamEvent): JoinFate {
    const watermarkMs = this.times.watermarkMs(1);
    if (this.#isBeforeHistory(event)) return 'late';
    if (event.timeMs < watermarkMs) {
      // Those that wait and are due were there before; they do not see this one's time, so their order does not matter.
      this.#emit(key, event);
      return 'taken';
    }
    if (this.#waiting.add({ key, event }, this.#maxBytes - this.#table.bytes)) return 'taken';
    this.outlet.refuse(event, 'not-kept', 0);
    return 'not-kept';
  }

  #takeUpdate(key: string, event: StreamEvent): JoinFate {
    const { deletedWhen = isNull } = this.definition.table;
    const { timeMs } = event;
    // What was taken away before the history is not known any more: an older update would bring it back.
    if (this.#isBeforeHistory(event)) return 'late';
    if (timeMs < this.times.watermarkMs(1)) {
      // What was due before this came does not see it.
      this.release(() => true);
      this.outlet.count('late-updates');
    }
    const row = deletedWhen(event.data as never, event as never) ? undefined : (event.data as JsonValue);
    if (!this.#table.put(key, { timeMs, row }, this.#maxBytes - this.#waiting.bytes)) {
      this.outlet.refuse(event, 'not-kept', 0);
      return 'not-kept';
    }
    this.outlet.count('updates');
    return 'taken';
  }

  #isBeforeHistory(event: StreamEvent): boolean {
    const byMs = this.times.watermarkMs(1) - this.#historyMs - event.timeMs;
    if (byMs > 0) this.outlet.refuse(event, 'late', byMs);
    return byMs > 0;
  }

  #emit(key: string, event: StreamEvent): void {
    const version = this.#table.at(key, event.timeMs);
    const row = version?.row;
    if (row === undefined) this.outlet.count('unmatched');
    if (row === undefined && this.definition.kind === 'inner') return;
    const since = version === undefined || row === undefined ? {} : { rowSinceMs: version.timeMs };
    this.outlet.emit({
      id: event.id,
      stream: event.stream,
      key,
      timeMs: event.timeMs,
      original: { event, row },
      make: () => this.definition.join(event.data, row, { key, event, ...since }),
    });
  }
}

function isNull(data: unknown): boolean {
  return data === null;
}
