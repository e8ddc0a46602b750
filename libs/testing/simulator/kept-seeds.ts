/**
 * Seeds that have failed once, with what they found: they are run whenever seeds are run. What a seed does changes
 * with the simulator; so each of them has a directed schedule beside it (test/exactly-once/schedules.spec.ts), which
 * does not.
 */
export const KEPT_SEEDS: readonly (readonly [seed: number, found: string])[] = [
  [
    2,
    'enrich stored a frame after one that was known to have failed; a task without a commit trusted the cursor',
  ],
  [12, 'a consumer that nobody knew of was never closed (the model)'],
  [29, 'frames overtook each other by a rounding error (the model)'],
  [79, 'the last message of a dying process arrived without those before it (the model)'],
  [147, 'frames overtook each other by a rounding error (the model)'],
  [232, 'a consumer opened over a connection that was gone (the model)'],
  [2096, 'a delivery that had failed for one topic opened a producer for another after its run had ended'],
  [2302, 'an owner came late to its own outbox; the broker had forgotten that the next one had delivered it'],
  [3508, 'as 2096'],
  [3943, 'as 2302'],
  [4273, 'as 2096'],
];
