import type { TaskLogic } from '#libs/functions';
import type { JsonObject } from '#libs/kernel';
import type { FunctionTestTask } from './function-test-task.js';
import type { ManualClock } from './manual-clock.js';

/** Steps of at most this many, so that years pass in a moment. */
const MOST_STEPS = 1_000;
const STEP_MS = 1_000;

/**
 * The wall clock goes on while nothing comes in: tasks of one stage look at it, and at one another, as often as they do in
 * production, and commit what they decide.
 *
 * @param caughtUp the topics that are read to their end
 */
export async function passTime<Logic extends TaskLogic>(
  clock: ManualClock,
  ms: number,
  tasks: readonly FunctionTestTask<Logic>[],
  caughtUp: ReadonlySet<string>,
): Promise<void> {
  const stepMs = Math.max(STEP_MS, Math.ceil(ms / MOST_STEPS));
  for (let leftMs = ms; leftMs > 0; leftMs -= stepMs) {
    clock.advance(Math.min(stepMs, leftMs));
    for (const task of tasks) await look(task, tasks, { nowMs: clock.nowMs(), caughtUp });
  }
  // What the last look has decided of a close needs another one, of all.
  for (const task of tasks) await look(task, tasks, { nowMs: clock.nowMs(), caughtUp });
}

async function look<Logic extends TaskLogic>(
  task: FunctionTestTask<Logic>,
  tasks: readonly FunctionTestTask<Logic>[],
  moment: { readonly nowMs: number; readonly caughtUp: ReadonlySet<string> },
): Promise<void> {
  const facts = tasks.map(({ logic }, partition): [number, JsonObject] => [partition, logic.facts?.() ?? {}]);
  task.tick({ ...moment, siblings: new Map(facts) });
  await task.commit();
}
