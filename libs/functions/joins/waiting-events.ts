import type { JsonValue, StreamEvent } from '#libs/kernel';
import { TimeHeap } from '../model/time-heap.js';

/** An event of the stream, with its key in the table. */
export interface WaitingEvent {
  readonly key: string;
  readonly event: StreamEvent;
}

const CELL = 'w/';
const COUNT_CELL = 'waited';

/** Events that wait for the watermark of the table to pass them; by time, then in order of arrival. */
export class WaitingEvents {
  readonly #byNumber = new Map<number, WaitingEvent & { readonly bytes: number }>();
  readonly #heap = new TimeHeap();
  readonly #changed = new Set<number>();
  #next = 0;
  #isCountChanged = false;
  bytes = 0;

  get size(): number {
    return this.#byNumber.size;
  }

  /** @returns false: there was no room */
  add(waiting: WaitingEvent, maxBytes: number): boolean {
    const bytes = Buffer.byteLength(JSON.stringify(waiting.event));
    if (this.bytes + bytes > maxBytes) return false;
    const number = this.#next++;
    this.#isCountChanged = true;
    this.#insert(number, waiting, bytes);
    this.#changed.add(number);
    return true;
  }

  isAnyBelow(watermarkMs: number): boolean {
    const first = this.#heap.peek();
    return first !== undefined && first.dueMs < watermarkMs;
  }

  /** The first event below the watermark; it waits no more. */
  takeBelow(watermarkMs: number): WaitingEvent | undefined {
    if (!this.isAnyBelow(watermarkMs)) return undefined;
    const number = Number(this.#heap.popDue(watermarkMs)!.id);
    const waiting = this.#byNumber.get(number)!;
    this.#byNumber.delete(number);
    this.#changed.add(number);
    this.bytes -= waiting.bytes;
    return waiting;
  }

  restore(cells: ReadonlyMap<string, JsonValue>): void {
    this.#next = Number(cells.get(COUNT_CELL) ?? 0);
    for (const [name, value] of cells) {
      if (!name.startsWith(CELL)) continue;
      const [key, event] = value as readonly [string, JsonValue];
      const bytes = Buffer.byteLength(JSON.stringify(event));
      this.#insert(Number(name.slice(CELL.length)), { key, event: event as unknown as StreamEvent }, bytes);
    }
  }

  *changes(): Generator<readonly [string, JsonValue | undefined]> {
    for (const number of this.#changed) {
      const waiting = this.#byNumber.get(number);
      yield [CELL + number, waiting === undefined ? undefined : encode(waiting)];
    }
    this.#changed.clear();
    if (this.#isCountChanged) yield [COUNT_CELL, this.#next];
    this.#isCountChanged = false;
  }

  *cells(): Generator<readonly [string, JsonValue]> {
    for (const [number, waiting] of this.#byNumber) yield [CELL + number, encode(waiting)];
    yield [COUNT_CELL, this.#next];
  }

  #insert(number: number, waiting: WaitingEvent, bytes: number): void {
    this.#byNumber.set(number, { ...waiting, bytes });
    this.bytes += bytes;
    this.#heap.push({ dueMs: waiting.event.timeMs, id: String(number).padStart(16, '0') });
  }
}

function encode({ key, event }: WaitingEvent): JsonValue {
  return [key, event as unknown as JsonValue];
}
