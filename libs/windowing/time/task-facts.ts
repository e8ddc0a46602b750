import type { JsonObject } from '#libs/kernel';
import type { ClosingFact } from './closings.js';

/** What a local task tells the other local tasks with each commit. */
export type TaskFacts = {
  readonly streams?: { readonly [stream: string]: { readonly highestMs: number } };
  readonly closings?: { readonly [closeId: string]: ClosingFact };
};

/** Outside facts at a moment: see {@link StreamTimes.tick}. */
export interface TaskMoment {
  /** Wall clock, epoch milliseconds. */
  readonly nowMs: number;
  /** What each local task has committed as its facts, this one included, by partition. */
  readonly siblings: ReadonlyMap<number, JsonObject>;
}
