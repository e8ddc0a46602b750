import { FACTS } from '#libs/observability';
import { type Backoff, pauseMs } from '../backoff.js';
import { codeOf, decideFailure } from './failure.js';
import { StopFunctionError } from './function.errors.js';
import type { FunctionEnvironment } from './function-environment.js';
import { finiteOrNull, type FunctionWork } from './function-work.js';
import type { CallOutcome, Handler } from './handler.js';
import type { Parking, ParkedState } from './parking.js';
import type { Turn } from './turn.js';

/** Pauses between the attempts of a parked key. */
const PARKED_BACKOFF: Backoff = { firstMs: 1_000, maxMs: 60_000 };

export interface TurnLimits {
  readonly parkForMs: number;
  readonly maxParkedEvents: number;
  /** 0 ≤ r < 1; for jitter only. */
  readonly random: () => number;
}

/** A piece of work and how often it has failed in this turn and in those before. */
interface Try {
  readonly turn: Turn;
  readonly work: FunctionWork;
  readonly attempt: number;
  /** It is the first of what is parked. */
  readonly isHead: boolean;
}

/**
 * Does the work of one turn after the other.
 *
 *   W1. Timers that are due by an event's watermark come before the event, so that what a key sees does not depend on
 *       how events were cut into messages.
 *   W2. While a key is parked all its work goes behind what waits, and its other timers rest.
 *   W3. State and timers change when a call has succeeded, and not at all when it has failed.
 */
export class TurnRunner {
  constructor(
    private readonly environment: FunctionEnvironment,
    private readonly handler: Handler,
    private readonly parking: Parking,
    private readonly limits: TurnLimits,
  ) {}

  /** Nothing: it has ended at once. @throws StopFunctionError, FunctionInterruptedError */
  run(turn: Turn): void | Promise<void> {
    while (!turn.isOver) {
      const next = this.#nextTry(turn);
      if (next === undefined) break;
      const running = this.#attempt(next);
      if (turn.isSingle === true) turn.isOver = true;
      if (running !== undefined) return running.then(() => this.run(turn));
    }
    turn.isOver = true;
    // Timers that did not fire may have lost their place in line.
    if (!this.parking.has(turn.keyId)) this.environment.timers.requeue(turn.keyId);
  }

  /** What a turn that is not of an event would do first. */
  peek(turn: Turn): FunctionWork | undefined {
    return this.#nextTry(turn)?.work;
  }

  /** Makes a dead letter of what such a turn would do first, without doing it. */
  refuseNext(turn: Turn, error: Error): void {
    const next = this.#nextTry(turn);
    if (next === undefined) return;
    this.#count('quarantine', error);
    this.#kill(next, error);
    if (!this.parking.has(turn.keyId)) this.environment.timers.requeue(turn.keyId);
  }

  #nextTry(turn: Turn): Try | undefined {
    if (turn.source.kind === 'parked') return this.#nextParked(turn);
    return turn.source.kind === 'timers' ? this.#nextTimer(turn, turn.source) : this.#nextOfEvent(turn);
  }

  #nextTimer(
    turn: Turn,
    { by, untilMs }: { readonly by: 'event' | 'wall'; readonly untilMs: number },
  ): Try | undefined {
    if (this.parking.has(turn.keyId)) return undefined;
    const timer = this.environment.timers.nextDue(turn.keyId, by, untilMs);
    if (timer === undefined) return undefined;
    const work = { kind: 'timer', timer, watermarkMs: finiteOrNull(turn.watermarkMs) } as const;
    return { turn, work, attempt: 1, isHead: false };
  }

  #nextOfEvent(turn: Turn): Try | undefined {
    if (turn.source.kind !== 'event') return undefined;
    const { work, refused } = turn.source;
    if (this.parking.has(turn.keyId)) {
      turn.isOver = true;
      this.#parkBehind(turn, work);
      return undefined;
    }
    const timer = this.#nextTimer(turn, { by: 'event', untilMs: turn.watermarkMs });
    if (timer !== undefined) return timer;
    turn.isOver = true;
    if (refused === undefined) return { turn, work, attempt: 1, isHead: false };
    this.#kill({ turn, work, attempt: 1, isHead: false }, refused);
    return undefined;
  }

  #nextParked(turn: Turn): Try | undefined {
    const { keyId } = turn;
    const work = this.parking.head(keyId);
    const state = this.parking.stateOf(keyId);
    if (work === undefined || state === undefined) return undefined;
    // Timers that were due before the event came, and were held by what stood before it.
    const untilMs =
      work.kind === 'event' && state.attempts === 0 ? (work.watermarkMs ?? -Infinity) : -Infinity;
    const timer = this.environment.timers.nextDue(keyId, 'event', untilMs);
    if (timer !== undefined)
      return {
        turn,
        work: { kind: 'timer', timer, watermarkMs: work.watermarkMs },
        attempt: 1,
        isHead: false,
      };
    return { turn, work, attempt: state.attempts + 1, isHead: true };
  }

  #attempt(next: Try): void | Promise<void> {
    const { turn, work, attempt } = next;
    const outcome = this.handler.call({ keyId: turn.keyId, work, attempt, nowMs: turn.nowMs });
    return outcome instanceof Promise
      ? outcome.then((found) => this.#conclude(next, found))
      : this.#conclude(next, outcome);
  }

  #conclude(done: Try, outcome: CallOutcome): void | Promise<void> {
    if (outcome.kind === 'failed') return this.#fail(done, outcome.error);
    const { store, timers } = this.environment;
    const { keyId, results } = done.turn;
    const { call } = outcome;
    if (call.stateWrites !== undefined) store.merge(keyId, call.stateWrites);
    timers.merge(keyId, call.timerWrites);
    results.push({ kind: 'done', call });
    if (done.isHead) this.parking.shift(keyId);
  }

  #fail(failed: Try, error: Error): void | Promise<void> {
    const { definition } = this.environment;
    const action = decideFailure(error, failed.attempt, definition.failures);
    this.#count(action.kind, error);
    switch (action.kind) {
      case 'retry':
        return this.#attempt({ ...failed, attempt: failed.attempt + 1 });
      case 'park':
        return this.#park(failed, error);
      case 'dead-letter':
        return this.#kill(failed, error);
      case 'skip':
        return this.#passOver(failed);
      case 'stop':
        throw error instanceof StopFunctionError ? error : new StopFunctionError(error.message, error);
      default:
        return action satisfies never;
    }
  }

  #kill(failed: Try, error: Error, code = codeOf(error)): void {
    const { turn, work, attempt } = failed;
    turn.results.push({ kind: 'dead', work, reason: { code, error, attempts: attempt } });
    this.#passOver(failed);
  }

  #passOver({ turn, work, isHead }: Try): void {
    this.#removeTimer(turn.keyId, work);
    if (isHead) this.parking.shift(turn.keyId);
  }

  #removeTimer(keyId: string, work: FunctionWork): void {
    if (work.kind !== 'timer') return;
    const { name, dueMs } = work.timer;
    const { timers } = this.environment;
    if (timers.find(keyId, name)?.dueMs === dueMs) timers.merge(keyId, new Map([[name, undefined]]));
  }

  #park(failed: Try, error: Error): void {
    const { turn, work, attempt, isHead } = failed;
    const { keyId } = turn;
    const nowMs = this.environment.clock.nowMs();
    const sinceMs = attempt === 1 ? nowMs : (this.parking.stateOf(keyId)?.sinceMs ?? nowMs);
    const isTooLong = isHead && nowMs - sinceMs >= this.limits.parkForMs;
    if (isTooLong || (!isHead && this.#isFull())) return this.#kill(failed, error);
    const state: ParkedState = {
      sinceMs,
      nextMs: nowMs + Math.ceil(pauseMs(PARKED_BACKOFF, attempt - 1, this.limits.random)),
      attempts: attempt,
    };
    if (isHead) this.parking.defer(keyId, state);
    else {
      this.#removeTimer(keyId, work);
      this.parking.park(keyId, work, state);
    }
    turn.isOver = true;
  }

  /** W2. Where there is no room for it the event becomes a dead letter: its neighbours must not wait. */
  #parkBehind(turn: Turn, work: FunctionWork): void {
    if (!this.#isFull()) return this.parking.append(turn.keyId, work);
    const error = new Error(
      `its key waits for a retry, and the ${this.limits.maxParkedEvents} events that may wait do so already`,
    );
    this.#count('dead-letter', error);
    this.#kill({ turn, work, attempt: 0, isHead: false }, error, 'FUNCTION_PARKING_FULL');
  }

  #isFull(): boolean {
    return this.parking.size >= this.limits.maxParkedEvents;
  }

  #count(outcome: string, error: Error): void {
    const { pipeline, definition, telemetry } = this.environment;
    telemetry.record(FACTS.functionFailure, {
      pipeline,
      stage: definition.name,
      outcome,
      code: codeOf(error),
    });
  }
}
