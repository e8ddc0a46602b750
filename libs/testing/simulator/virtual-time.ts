import { crc32 } from 'node:zlib';
import type { Cancel } from '#libs/kernel';

interface Moment {
  readonly dueMs: number;
  readonly order: number;
  readonly action: () => void;
  isCancelled: boolean;
}

/**
 * The one clock and the one scheduler of a simulation: things happen in the order of their times, those of the same
 * time in the order they were planned. Between two of them everything that was set off by the first has run.
 */
export class VirtualTime {
  #nowMs = 0;
  #order = 0;
  #digest = 0;
  /** A binary heap: the next moment first. */
  readonly #heap: Moment[] = [];
  #isPumping = false;

  get nowMs(): number {
    return this.#nowMs;
  }

  /** Of everything that was noted so far: the same for two runs that went the same way. */
  get digest(): number {
    return this.#digest;
  }

  note(what: string): void {
    this.#digest = crc32(`${this.#nowMs} ${what}\n`, this.#digest);
  }

  after(delayMs: number, action: () => void): Cancel {
    return this.at(this.#nowMs + Math.max(0, delayMs), action);
  }

  /** @param dueMs not before now */
  at(dueMs: number, action: () => void): Cancel {
    const moment: Moment = { dueMs, order: this.#order++, action, isCancelled: false };
    this.#push(moment);
    return () => {
      moment.isCancelled = true;
    };
  }

  /** Lets time pass until `isOver`, asked after each moment, or until nothing is planned. */
  run(isOver: () => boolean): Promise<void> {
    return new Promise((resolve, reject) => {
      const turn = (): void => {
        try {
          if (!this.#fireNext() || isOver()) resolve();
          else setImmediate(turn);
        } catch (error) {
          reject(error instanceof Error ? error : new Error(String(error)));
        }
      };
      setImmediate(turn);
    });
  }

  /** From now on time passes by itself whenever something is planned: for tests that know nothing of it. */
  runByItself(): void {
    const turn = (): void => {
      this.#isPumping = this.#fireNext();
      if (this.#isPumping) setImmediate(turn);
    };
    this.#wake = () => {
      if (this.#isPumping) return;
      this.#isPumping = true;
      setImmediate(turn);
    };
    this.#wake();
  }

  #wake: () => void = () => undefined;

  #fireNext(): boolean {
    for (let next = this.#pop(); next !== undefined; next = this.#pop()) {
      if (next.isCancelled) continue;
      this.#nowMs = next.dueMs;
      next.action();
      return true;
    }
    return false;
  }

  #push(moment: Moment): void {
    const heap = this.#heap;
    let place = heap.push(moment) - 1;
    while (place > 0) {
      const parent = (place - 1) >> 1;
      if (!isBefore(moment, heap[parent]!)) break;
      heap[place] = heap[parent]!;
      place = parent;
    }
    heap[place] = moment;
    this.#wake();
  }

  #pop(): Moment | undefined {
    const heap = this.#heap;
    const first = heap[0];
    const last = heap.pop();
    if (first === undefined || last === undefined || heap.length === 0) return first;
    let place = 0;
    for (;;) {
      let child = place * 2 + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && isBefore(heap[child + 1]!, heap[child]!)) child++;
      if (!isBefore(heap[child]!, last)) break;
      heap[place] = heap[child]!;
      place = child;
    }
    heap[place] = last;
    return first;
  }
}

function isBefore(a: Moment, b: Moment): boolean {
  return a.dueMs < b.dueMs || (a.dueMs === b.dueMs && a.order < b.order);
}
