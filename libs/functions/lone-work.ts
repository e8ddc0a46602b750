import { comparePositions, type Frame, type Position } from '#libs/messaging';
import { FACTS, type Telemetry } from '#libs/observability';
import type { TaskId } from '#libs/storage';
import type { CrashGuard } from './crash-guard.js';
import type { AdmittedInput } from './seen-inputs.js';
import type { TaskProgress } from './task-commits.js';
import type { Outputs, TaskInput, TaskLogic, UserCode } from './task-logic.js';

export interface LoneWorkParts {
  readonly task: TaskId;
  readonly logic: TaskLogic;
  readonly userCode: UserCode;
  readonly guard: CrashGuard;
  readonly progress: TaskProgress;
  readonly outputs: Outputs;
  readonly telemetry: Telemetry;
  readonly count: (events: number) => void;
  /** Commits what is in memory, with what the guard has to say. */
  readonly commit: () => Promise<void>;
  /** Nothing more is to be begun. */
  readonly stop: AbortSignal;
}

/** Runs one piece of user code at a time, with a mark in the store before it and a commit behind it (crash-guard.ts, G3). */
export class LoneWork {
  constructor(private readonly parts: LoneWorkParts) {}

  /**
   * Takes in one message, event by event. False: it was stopped on the way, or the killer was found; the next call, or
   * run, goes on within the message.
   */
  async take({ taken, key, admit }: AdmittedInput): Promise<boolean> {
    const { progress, guard, stop } = this.parts;
    const { position } = taken.delivery;
    const done = itemsDone(progress, key, position);
    for (const [index, item] of taken.frame.items.slice(done).entries()) {
      this.parts.userCode.observe(item);
      if (!(await this.due())) return false;
      await this.#item(taken, item);
      progress.within.set(key, { position, items: done + index + 1 });
      this.parts.count(1);
      await this.#pass(1);
      if (stop.aborted || guard.mode !== 'alone') return false;
    }
    await this.#apply(taken, { ...taken.frame, items: [] });
    admit();
    await this.#pass(0);
    return true;
  }

  /** Does what is due beside the input, one by one. False: it was stopped, or the killer was found. */
  async due(): Promise<boolean> {
    const { userCode, guard, outputs, stop } = this.parts;
    for (let id = userCode.nextDue(); id !== undefined; id = userCode.nextDue()) {
      if (stop.aborted || guard.mode !== 'alone') return false;
      await this.#alone(id, {
        run: () => userCode.runDue(outputs),
        quarantine: (ends) => userCode.quarantineDue(ends, outputs),
      });
      await this.#pass(0);
    }
    return guard.mode === 'alone';
  }

  async #item(taken: TaskInput, item: unknown): Promise<void> {
    const { userCode, outputs } = this.parts;
    const header = { v: 1, kind: taken.frame.header.kind } as const;
    const run = (): Promise<void> => this.#apply(taken, { header, items: [item] });
    const id = userCode.idOf(item);
    if (id === undefined) return await run();
    await this.#alone(id, { run, quarantine: (ends) => userCode.quarantine(taken, item, { ends, outputs }) });
  }

  async #apply(taken: TaskInput, frame: Frame): Promise<void> {
    const { logic, outputs, userCode } = this.parts;
    await logic.apply({ ...taken, frame }, outputs);
    await userCode.ended(outputs);
  }

  async #alone(
    id: string,
    { run, quarantine }: { readonly run: () => Promise<void>; readonly quarantine: (ends: number) => void },
  ): Promise<void> {
    const { guard, commit, telemetry, task } = this.parts;
    if (guard.isKiller(id)) {
      telemetry.record(FACTS.workQuarantined, { ...task, work: id });
      quarantine(guard.endsFound);
      guard.quarantined();
      return;
    }
    guard.markAlone(id);
    await commit();
    await run();
  }

  async #pass(events: number): Promise<void> {
    this.parts.guard.passed(events);
    await this.parts.commit();
  }
}

/** How much of a message a former owner has done, one by one. */
export function itemsDone({ within }: TaskProgress, key: string, position: Position): number {
  const found = within.get(key);
  return found !== undefined && comparePositions(found.position, position) === 0 ? found.items : 0;
}
