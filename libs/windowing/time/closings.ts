import type { JsonValue } from '#libs/kernel';
import { NOTHING_TO_CLOSE_MS } from './stream-progress.js';
import type { TaskFacts } from './task-facts.js';

/** What a task has committed about the end of a stream as it saw it. */
export type ClosingFact = {
  readonly stream: string;
  /** Its highest event time behind the marker; null: it had no event of the stream. */
  readonly highestMs: number | null;
  /** It has decided, and needs the facts of the others no more. */
  readonly isDecided?: true;
};

/** What a closing came to. */
export interface DecidedClose {
  readonly closeId: string;
  readonly stream: string;
  readonly untilMs: number;
}

/** More at a time than anybody closes; beyond it the oldest is forgotten, so that facts stay small. */
const MAX_CLOSINGS = 100;

/**
 * The closings that a local task takes part in.
 *
 *     marker read → own highest recorded → committed → facts of ALL tasks hold the id → decided: until = maximum
 *                                                                      → all have decided → forgotten
 *
 * K1. A fact never changes once recorded, so every task decides the same `untilMs`.
 * K2. A fact stays until every other task has decided, or has forgotten the closing, which it does only after that.
 */
export class Closings {
  readonly #closings: Map<string, ClosingFact>;
  isDirty = false;

  constructor(stored: Readonly<Record<string, ClosingFact>> = {}) {
    this.#closings = new Map(Object.entries(stored));
  }

  record(closeId: string, stream: string, highestMs: number): void {
    if (this.#closings.has(closeId)) return;
    this.#closings.set(closeId, { stream, highestMs: highestMs === -Infinity ? null : highestMs });
    if (this.#closings.size > MAX_CLOSINGS) this.#closings.delete(this.#closings.keys().next().value!);
    this.isDirty = true;
  }

  /**
   * Decides what all tasks have committed.
   *
   * @param facts what each of the tasks has committed, by partition
   * @param tasks how many there are
   * @param mayDecide false: leave the closings of this stream for later
   */
  decide(
    facts: ReadonlyMap<number, TaskFacts>,
    tasks: number,
    mayDecide: (stream: string) => boolean,
  ): readonly DecidedClose[] {
    const decided: DecidedClose[] = [];
    const busy = new Set<string>();
    for (const [closeId, fact] of this.#closings) {
      if (fact.isDecided === true) {
        this.#forgetIfDone(closeId, facts);
      } else if (facts.size >= tasks && !busy.has(fact.stream) && mayDecide(fact.stream)) {
        const untilMs = untilOf(closeId, facts);
        if (untilMs === undefined) continue;
        busy.add(fact.stream);
        decided.push({ closeId, stream: fact.stream, untilMs });
        this.#closings.set(closeId, { ...fact, isDecided: true });
        this.isDirty = true;
      }
    }
    return decided;
  }

  facts(): Readonly<Record<string, ClosingFact>> {
    return Object.fromEntries(this.#closings);
  }

  /** Undefined: there is nothing to store. */
  encode(): JsonValue | undefined {
    return this.#closings.size === 0 ? undefined : this.facts();
  }

  #forgetIfDone(closeId: string, facts: ReadonlyMap<number, TaskFacts>): void {
    for (const { closings } of facts.values()) {
      const fact = closings?.[closeId];
      if (fact !== undefined && fact.isDecided !== true) return;
    }
    this.#closings.delete(closeId);
    this.isDirty = true;
  }
}

/** The highest event time behind the marker over all tasks; undefined while one has not committed it. */
function untilOf(closeId: string, facts: ReadonlyMap<number, TaskFacts>): number | undefined {
  let untilMs = NOTHING_TO_CLOSE_MS;
  for (const { closings } of facts.values()) {
    const fact = closings?.[closeId];
    if (fact === undefined) return undefined;
    untilMs = Math.max(untilMs, fact.highestMs ?? NOTHING_TO_CLOSE_MS);
  }
  return untilMs;
}
