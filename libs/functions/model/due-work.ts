import { FunctionCrashedError } from './function.errors.js';
import { idOfWork } from './function-work.js';
import { keyOf, streamOf } from './key-id.js';
import type { Parking } from './parking.js';
import type { Times } from './state-store.js';
import type { TimerStore } from './timer-store.js';
import type { Turn, TurnSource } from './turn.js';
import type { TurnQueue } from './turn-queue.js';
import type { TurnRunner } from './turn-runner.js';

export interface DueWorkParts {
  readonly timers: TimerStore;
  readonly parking: Parking;
  readonly runner: TurnRunner;
  readonly queue: TurnQueue;
  readonly now: () => Times;
  readonly turn: (keyId: string, source: TurnSource) => Turn;
  readonly putOut: (turn: Turn) => void;
}

/** What has to be done without an event: timers that are due, and parked keys that are to be tried again. */
export class DueWork {
  constructor(private readonly parts: DueWorkParts) {}

  get isAny(): boolean {
    const { timers, parking, now } = this.parts;
    const times = now();
    return timers.isAnyDue(times) || parking.isAnyDue(times.nowMs);
  }

  /** Does all of it until `isFull`. True: there is more. */
  async run(isFull: () => boolean): Promise<boolean> {
    let hasMore = false;
    for (const [keyId, sources] of this.#all()) {
      hasMore = isFull();
      if (hasMore) this.parts.timers.requeue(keyId);
      else await this.#submitAll(keyId, sources);
    }
    await this.parts.queue.drained();
    return hasMore;
  }

  /** Names what is next, by what it is and not by when it is done; undefined: nothing is due. */
  nextId(): string | undefined {
    const turn = this.#next();
    const work = turn && this.parts.runner.peek(turn);
    if (turn === undefined || work === undefined) return undefined;
    return `${turn.source.kind}/${streamOf(turn.keyId)}/${idOfWork(work, keyOf(turn.keyId))}`;
  }

  /** Does what is next, and nothing else. */
  async runNext(): Promise<void> {
    const turn = this.#next();
    if (turn !== undefined) this.parts.queue.submit({ ...turn, isSingle: true });
    await this.parts.queue.drained();
  }

  /** Makes a dead letter of what is next. @param ends how often its process has ended on it */
  quarantineNext(ends: number): void {
    const turn = this.#next();
    if (turn === undefined) return;
    this.parts.runner.refuseNext(turn, new FunctionCrashedError(ends));
    this.parts.putOut(turn);
  }

  #next(): Turn | undefined {
    const { parking, timers, now, turn } = this.parts;
    const times = now();
    const [parked] = parking.dueKeys(times.nowMs);
    if (parked !== undefined) return turn(parked, { kind: 'parked' });
    const due = timers.takeDueKey(times, (keyId) => parking.has(keyId));
    if (due === undefined) return undefined;
    timers.requeue(due.keyId);
    return turn(due.keyId, timersOf(due, times));
  }

  #all(): Map<string, TurnSource[]> {
    const { parking, timers, now } = this.parts;
    const times = now();
    const all = new Map<string, TurnSource[]>();
    const add = (keyId: string, source: TurnSource): void =>
      void all.set(keyId, [...(all.get(keyId) ?? []), source]);
    for (const keyId of parking.dueKeys(times.nowMs)) add(keyId, { kind: 'parked' });
    const isParked = (keyId: string): boolean => parking.has(keyId);
    for (let due = timers.takeDueKey(times, isParked); due; due = timers.takeDueKey(times, isParked))
      add(due.keyId, timersOf(due, times));
    return all;
  }

  async #submitAll(keyId: string, sources: readonly TurnSource[]): Promise<void> {
    const { queue, turn } = this.parts;
    for (const source of sources) {
      await queue.room();
      queue.submit(turn(keyId, source));
    }
  }
}

function timersOf(
  { keyId, kind }: NonNullable<ReturnType<TimerStore['takeDueKey']>>,
  { nowMs, watermarkMs }: Times,
): TurnSource {
  return { kind: 'timers', by: kind, untilMs: kind === 'wall' ? nowMs : watermarkMs(streamOf(keyId)) };
}
