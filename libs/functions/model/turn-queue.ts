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
  /** Not put out yet, in order; what stands before `#first` is. */
  #pending: Turn[] = [];
  #first = 0;
  readonly #busy = new Set<string>();
  /** Turns that have not started, by key. */
  readonly #waiting = new Map<string, Turn[]>();
  /** Keys that wait, and are not busy, in the order in which their turn came. */
  readonly #ready: string[] = [];
  #wake: (() => void)[] = [];

  /** @param run gives nothing where it has ended at once */
  constructor(
    private readonly maxInFlight: number,
    private readonly run: (turn: Turn) => void | Promise<void>,
    private readonly putOut: (turn: Turn) => void,
  ) {}

  get isIdle(): boolean {
    return this.#size === 0;
  }

  /** Something went wrong that stops the task; {@link drained} and {@link room} throw it. */
  get hasFailed(): boolean {
    return this.#failure !== undefined;
  }

  /** @throws what the turn has thrown, where it was run at once */
  submit(turn: Turn): void {
    const { keyId } = turn;
    const queue = this.#waiting.get(keyId);
    if (queue !== undefined) queue.push(turn);
    else if (this.#busy.has(keyId)) this.#waiting.set(keyId, [turn]);
    else if (this.#busy.size < this.maxInFlight) return this.#runNew(turn);
    else {
      this.#waiting.set(keyId, [turn]);
      this.#ready.push(keyId);
    }
    this.#pending.push(turn);
  }

  /** Resolves when there is room for another turn; undefined: there is. @throws what has failed */
  room(): Promise<void> | undefined {
    if (this.#failure !== undefined) throw this.#failure;
    return this.#size < MAX_PENDING ? undefined : this.#progress().then(() => this.room());
  }

  /** Resolves when everything has ended and is put out. @throws what has failed */
  async drained(): Promise<void> {
    while (this.#failure === undefined && this.#size > 0) await this.#progress();
    if (this.#failure !== undefined) throw this.#failure;
  }

  get #size(): number {
    return this.#pending.length - this.#first;
  }

  #runNew(turn: Turn): void {
    const running = this.run(turn);
    if (running === undefined && this.isIdle) return this.putOut(turn);
    this.#pending.push(turn);
    if (running === undefined) turn.isDone = true;
    else this.#follow(turn, running);
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
    if (this.#waiting.has(turn.keyId)) this.#ready.push(turn.keyId);
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

  #startWaiting(): void {
    while (this.#busy.size < this.maxInFlight) {
      const keyId = this.#ready.shift();
      if (keyId === undefined) return;
      const queue = this.#waiting.get(keyId) ?? [];
      const turn = queue.shift();
      if (queue.length === 0) this.#waiting.delete(keyId);
      if (turn === undefined) continue;
      const running = this.run(turn);
      if (running !== undefined) this.#follow(turn, running);
      else {
        turn.isDone = true;
        if (queue.length > 0) this.#ready.push(keyId);
      }
    }
  }

  #putOutDone(): void {
    for (let turn = this.#pending[this.#first]; turn?.isDone === true; turn = this.#pending[this.#first]) {
      this.#first++;
      this.putOut(turn);
    }
    if (this.#first < MAX_PENDING && this.#size > 0) return;
    this.#pending = this.#pending.slice(this.#first);
    this.#first = 0;
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
