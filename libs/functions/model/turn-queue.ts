import { asError } from '../functions.errors.js';
import type { Turn } from './turn.js';

/** Turns that are not put out yet; beyond that, whoever hands in waits. */
const MAX_PENDING = 1_024;

/**
 * Runs turns side by side.
 *
 *   Q1. One turn of a key at a time, in the order in which they were handed in.
 *   Q2. At most `maxInFlight` run at once.
 *   Q3. Results are put out in the order in which turns were handed in, whichever ends first.
 */
export class TurnQueue {
  #failure: Error | undefined;
  #pending: Turn[] = [];
  #waiting: Turn[] = [];
  readonly #busy = new Set<string>();
  #wake: (() => void)[] = [];

  /** @param run gives nothing where it has ended at once */
  constructor(
    private readonly maxInFlight: number,
    private readonly run: (turn: Turn) => void | Promise<void>,
    private readonly putOut: (turn: Turn) => void,
  ) {}

  get isIdle(): boolean {
    return this.#pending.length === 0;
  }

  /** Something went wrong that stops the task; {@link drained} and {@link room} throw it. */
  get hasFailed(): boolean {
    return this.#failure !== undefined;
  }

  /** @throws what the turn has thrown, where it was run at once */
  submit(turn: Turn): void {
    if (this.#busy.size >= this.maxInFlight || this.#mustWait(turn.keyId)) {
      this.#pending.push(turn);
      this.#waiting.push(turn);
      return;
    }
    const running = this.run(turn);
    if (running === undefined && this.#pending.length === 0) return this.putOut(turn);
    this.#pending.push(turn);
    if (running === undefined) turn.isDone = true;
    else this.#follow(turn, running);
  }

  /** Resolves when there is room for another turn; undefined: there is. @throws what has failed */
  room(): Promise<void> | undefined {
    if (this.#failure !== undefined) throw this.#failure;
    return this.#pending.length < MAX_PENDING ? undefined : this.#progress().then(() => this.room());
  }

  /** Resolves when everything has ended and is put out. @throws what has failed */
  async drained(): Promise<void> {
    while (this.#failure === undefined && this.#pending.length > 0) await this.#progress();
    if (this.#failure !== undefined) throw this.#failure;
  }

  #mustWait(keyId: string): boolean {
    return this.#busy.has(keyId) || this.#waiting.some((turn) => turn.keyId === keyId);
  }

  #follow(turn: Turn, running: Promise<void>): void {
    this.#busy.add(turn.keyId);
    running.then(
      () => this.#finish(turn),
      (error: unknown) => this.#fail(error),
    );
  }

  #finish(turn: Turn): void {
    if (this.#failure !== undefined) return;
    turn.isDone = true;
    this.#busy.delete(turn.keyId);
    try {
      this.#startWaiting();
      this.#putOutDone();
    } catch (error) {
      this.#fail(error);
    }
    this.#notify();
  }

  #fail(error: unknown): void {
    this.#failure ??= asError(error);
    this.#notify();
  }

  /** The first of each key that is not busy, while there is room. */
  #startWaiting(): void {
    const still: Turn[] = [];
    const behind = new Set<string>();
    for (const turn of this.#waiting) {
      const { keyId } = turn;
      if (this.#busy.size >= this.maxInFlight || this.#busy.has(keyId) || behind.has(keyId)) {
        still.push(turn);
        behind.add(keyId);
        continue;
      }
      const running = this.run(turn);
      if (running === undefined) turn.isDone = true;
      else this.#follow(turn, running);
    }
    this.#waiting = still;
  }

  #putOutDone(): void {
    let done = 0;
    for (const turn of this.#pending) {
      if (!turn.isDone) break;
      this.putOut(turn);
      done++;
    }
    if (done > 0) this.#pending = this.#pending.slice(done);
  }

  #progress(): Promise<void> {
    return new Promise((resolve) => this.#wake.push(resolve));
  }

  #notify(): void {
    const wake = this.#wake;
    this.#wake = [];
    for (const resolve of wake) resolve();
  }
}
