import type { JsonValue, StreamEvent } from '#libs/kernel';
import { keyIdOf, keyOf, streamOf } from '../model/key-id.js';
import { TimeHeap } from '../model/time-heap.js';
import type { IntervalJoinKind, JoinedPair } from './join-function.js';

export type JoinSide = 'left' | 'right';

export interface IntervalJoinOptions {
  readonly kind: IntervalJoinKind;
  readonly beforeMs: number;
  readonly afterMs: number;
  readonly maxEvents: number;
  readonly maxBytes: number;
}

export type Pair = JoinedPair<unknown, unknown>;

/** What became of an event. */
export type JoinOutcome =
  /** It came below the watermark: its partners may be gone. */
  | { readonly kind: 'late'; readonly byMs: number }
  /** By the time, then the id of the partner. `isKept`: false, there was no room; partners to come will not find it. */
  | { readonly kind: 'joined'; readonly pairs: readonly Pair[]; readonly isKept: boolean };

interface KeptEvent {
  readonly number: number;
  readonly side: JoinSide;
  readonly keyId: string;
  readonly event: StreamEvent;
  readonly bytes: number;
  isMatched: boolean;
}

/** Of one key, by time, then in order of arrival. */
type KeyEvents = Readonly<Record<JoinSide, KeptEvent[]>>;

const CELL = 'j/';
const COUNT_CELL = 'joined';

/**
 * Pairs events of two sides that are close in time.
 *
 *     left     ────l────────────────      l is kept until the watermark W is past l + after: what comes on time is at or
 *     right    ──[ r ─ r ───── r ]──      above W, so nothing that comes could still be a partner
 *              before ◂─┴─▸ after
 *
 * J1. An event below the watermark is late. With J2 every pair of events that are not late is found, once, whatever
 *     their order: the first of the two is still kept when the second comes.
 * J2. An event is dropped only when the watermark has passed the time of its last possible partner; whether it had none
 *     is known then, and told then.
 */
export class IntervalJoin {
  readonly #keys = new Map<string, KeyEvents>();
  readonly #byNumber = new Map<number, KeptEvent>();
  /** By stream: kept events by the time of their last possible partner. */
  readonly #expiries = new Map<string, TimeHeap>();
  readonly #changed = new Set<number>();
  #next = 0;
  #isCountChanged = false;
  /** Of the kept events, as JSON. */
  bytes = 0;

  constructor(private readonly options: IntervalJoinOptions) {}

  /** How many events are kept. */
  get size(): number {
    return this.#byNumber.size;
  }

  /** @param watermarkMs of the stream: the lower one of the two sides */
  add(
    { side, key, event }: { readonly side: JoinSide; readonly key: string; readonly event: StreamEvent },
    watermarkMs: number,
  ): JoinOutcome {
    const byMs = watermarkMs - event.timeMs;
    if (byMs > 0) return { kind: 'late', byMs };
    const keyId = keyIdOf(event.stream, key);
    const partners = this.#partnersOf(side, keyId, event.timeMs);
    for (const partner of partners) this.#match(partner);
    const isKept = this.#keep({ side, keyId, event, isMatched: partners.length > 0 });
    const pairs = partners.map((partner) => pairOf(keyId, { [side]: event, [partner.side]: partner.event }));
    return { kind: 'joined', pairs, isKept };
  }

  /**
   * Drops the events of the stream that can have no more partners, soonest first, at most `budget`.
   *
   * @returns those that had none, where the kind of the join tells them; `more`: there are more to drop
   */
  expire(
    stream: string,
    watermarkMs: number,
    budget: number,
  ): { readonly unmatched: readonly Pair[]; readonly more: boolean } {
    const heap = this.#expiries.get(stream);
    const unmatched: Pair[] = [];
    for (let left = budget; heap !== undefined && isDue(heap, watermarkMs); left--) {
      if (left === 0) return { unmatched, more: true };
      const kept = this.#byNumber.get(Number(heap.popDue(watermarkMs)!.id));
      if (kept === undefined) continue;
      this.#drop(kept);
      if (!kept.isMatched && this.#tells(kept.side))
        unmatched.push(pairOf(kept.keyId, { [kept.side]: kept.event }));
    }
    if (heap?.size === 0) this.#expiries.delete(stream);
    return { unmatched, more: false };
  }

  /** Is there an event to {@link expire}. */
  isAnyExpired(stream: string, watermarkMs: number): boolean {
    const heap = this.#expiries.get(stream);
    return heap !== undefined && isDue(heap, watermarkMs);
  }

  /** Streams that have kept events. */
  streams(): readonly string[] {
    return [...this.#expiries.keys()];
  }

  restore(cells: ReadonlyMap<string, JsonValue>): void {
    this.#next = Number(cells.get(COUNT_CELL) ?? 0);
    const numbers = [...cells.keys()]
      .filter((name) => name.startsWith(CELL))
      .map((name) => Number(name.slice(CELL.length)));
    for (const number of numbers.sort((a, b) => a - b)) {
      const [side, keyId, event, isMatched] = cells.get(CELL + number) as readonly [
        JoinSide,
        string,
        JsonValue,
        number,
      ];
      const kept = event as unknown as StreamEvent;
      this.#insert({ number, side, keyId, event: kept, bytes: bytesOf(kept), isMatched: isMatched === 1 });
    }
  }

  *changes(): Generator<readonly [string, JsonValue | undefined]> {
    for (const number of this.#changed) {
      const kept = this.#byNumber.get(number);
      yield [CELL + number, kept === undefined ? undefined : encode(kept)];
    }
    this.#changed.clear();
    if (this.#isCountChanged) yield [COUNT_CELL, this.#next];
    this.#isCountChanged = false;
  }

  *cells(): Generator<readonly [string, JsonValue]> {
    for (const [number, kept] of this.#byNumber) yield [CELL + number, encode(kept)];
    yield [COUNT_CELL, this.#next];
  }

  #tells(side: JoinSide): boolean {
    return this.options.kind === 'outer' || (this.options.kind === 'left' && side === 'left');
  }

  #partnersOf(side: JoinSide, keyId: string, timeMs: number): readonly KeptEvent[] {
    const { beforeMs, afterMs } = this.options;
    const others = this.#keys.get(keyId)?.[side === 'left' ? 'right' : 'left'] ?? [];
    const fromMs = timeMs - (side === 'left' ? beforeMs : afterMs);
    const toMs = timeMs + (side === 'left' ? afterMs : beforeMs);
    const partners: KeptEvent[] = [];
    for (let place = firstFrom(others, fromMs); place < others.length; place++) {
      const partner = others[place]!;
      if (partner.event.timeMs > toMs) break;
      partners.push(partner);
    }
    return partners.sort((a, b) => a.event.timeMs - b.event.timeMs || (a.event.id < b.event.id ? -1 : 1));
  }

  #match(kept: KeptEvent): void {
    if (kept.isMatched) return;
    kept.isMatched = true;
    // Nobody asks an inner join who had no partner.
    if (this.#tells(kept.side)) this.#changed.add(kept.number);
  }

  #keep(kept: Omit<KeptEvent, 'number' | 'bytes'>): boolean {
    const { maxEvents, maxBytes } = this.options;
    const bytes = bytesOf(kept.event);
    if (this.size >= maxEvents || this.bytes + bytes > maxBytes) return false;
    const number = this.#next++;
    this.#isCountChanged = true;
    this.#insert({ ...kept, number, bytes });
    this.#changed.add(number);
    return true;
  }

  #insert(kept: KeptEvent): void {
    const { keyId, side, event, number, bytes } = kept;
    let events = this.#keys.get(keyId);
    if (events === undefined) this.#keys.set(keyId, (events = { left: [], right: [] }));
    const list = events[side];
    list.splice(firstAfter(list, event.timeMs), 0, kept);
    this.#byNumber.set(number, kept);
    this.bytes += bytes;
    const { stream } = event;
    let heap = this.#expiries.get(stream);
    if (heap === undefined) this.#expiries.set(stream, (heap = new TimeHeap()));
    const { beforeMs, afterMs } = this.options;
    const dueMs = event.timeMs + (side === 'left' ? afterMs : beforeMs);
    heap.push({ dueMs, id: String(number).padStart(16, '0') });
  }

  #drop(kept: KeptEvent): void {
    const events = this.#keys.get(kept.keyId)!;
    const list = events[kept.side];
    list.splice(list.indexOf(kept), 1);
    if (events.left.length + events.right.length === 0) this.#keys.delete(kept.keyId);
    this.#byNumber.delete(kept.number);
    this.bytes -= kept.bytes;
    this.#changed.add(kept.number);
  }
}

/** Past the last possible partner: what comes on time is at or above the watermark. */
function isDue(heap: TimeHeap, watermarkMs: number): boolean {
  const first = heap.peek();
  return first !== undefined && first.dueMs < watermarkMs;
}

function pairOf(keyId: string, sides: Partial<Record<JoinSide, StreamEvent>>): Pair {
  return { stream: streamOf(keyId), key: keyOf(keyId), ...sides };
}

function bytesOf(event: StreamEvent): number {
  return Buffer.byteLength(JSON.stringify(event));
}

function encode({ side, keyId, event, isMatched }: KeptEvent): JsonValue {
  return [side, keyId, event as unknown as JsonValue, isMatched ? 1 : 0];
}

/** Where the first event at or after the time stands. */
function firstFrom(list: readonly KeptEvent[], timeMs: number): number {
  let low = 0;
  let high = list.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (list[middle]!.event.timeMs < timeMs) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** Where the first event after the time stands. */
function firstAfter(list: readonly KeptEvent[], timeMs: number): number {
  let low = 0;
  let high = list.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (list[middle]!.event.timeMs <= timeMs) low = middle + 1;
    else high = middle;
  }
  return low;
}
