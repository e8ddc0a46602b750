import type { Failpoint, Failpoints } from '#libs/functions';
import { type TaskId, taskName } from '#libs/storage';
import type { FailpointPassing } from './setting-parsers.js';

/** Kills the process like a power cut when one of its places is passed for the n-th time. For tests of recovery. */
export class ProcessFailpoints implements Failpoints {
  readonly #left: { readonly point: Failpoint; readonly task: string | undefined; passings: number }[];

  /** @param kill must not return */
  constructor(
    places: readonly FailpointPassing[],
    private readonly kill: () => void = () => process.kill(process.pid, 'SIGKILL'),
  ) {
    this.#left = places.map(({ point, task, passing }) => ({ point, task, passings: passing }));
  }

  hit(point: Failpoint, task: TaskId): void {
    for (const place of this.#left) {
      if (place.point !== point || (place.task !== undefined && place.task !== taskName(task))) continue;
      place.passings--;
      if (place.passings === 0) this.kill();
    }
  }
}
