import { comparePositions, type Frame, type Position } from '#libs/messaging';
import { FACTS, type Telemetry } from '#libs/observability';
import type { TaskId } from '#libs/storage';
import type { CrashGuard } from './crash-guard.js';
import type { AdmittedInput } from './seen-inputs.js';
import type { TaskProgress } from './task-commits.js';
import type { Outputs, TaskInput, TaskLogic, UserCode } from './task-logic.js';
import type { UserCodeGate } from './user-code-gate.js';

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
  readonly gate: UserCodeGate;
  /** Nothing more is to be begun. */
  readonly stop: AbortSignal;
  readonly abort: AbortSignal;
}

/** Runs one piece of user code at a time, with a mark in the store before it and a commit behind it (crash-guard.ts, G3). */
export class LoneWork {
  readonly #killersBefore: number;

  constructor(private readonly parts: LoneWorkParts) {
    this.#killersBefore = parts.gate.killersFound;
  }

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
      const passed = (): void => {
        progress.within.set(key, { position, items: done + index + 1 });
        this.parts.count(1);
      };
      await this.#item(taken, item, passed);
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
        passed: () => guard.passed(0),
      });
    }
    return guard.mode === 'alone';
  }

  async #item(taken: TaskInput, item: unknown, done: () => void): Promise<void> {
    const { userCode, outputs, guard, commit } = this.parts;
    const header = { v: 1, kind: taken.frame.header.kind } as const;
    const run = (): Promise<void> => this.#apply(taken, { header, items: [item] });
    const passed = (): void => {
      done();
      guard.passed(1);
    };
    const id = userCode.idOf(item);
    if (id !== undefined) {
      const quarantine = (ends: number): void => userCode.quarantine(taken, item, { ends, outputs });
      return await this.#alone(id, { run, quarantine, passed });
    }
    await run();
    passed();
    await commit();
  }

  async #apply(taken: TaskInput, frame: Frame): Promise<void> {
    const { logic, outputs, userCode } = this.parts;
    await logic.apply({ ...taken, frame }, outputs);
    await userCode.ended(outputs);
  }

  /** From the mark to the commit behind it nobody else runs user code: a mark that stands while another kills would lie. */
  async #alone(id: string, unit: LoneUnit): Promise<void> {
    const { gate, abort } = this.parts;
    await gate.alone(() => this.#marked(id, unit), abort);
    if (gate.killersFound > this.#killersBefore) this.parts.guard.relax();
  }

  async #marked(id: string, { run, quarantine, passed }: LoneUnit): Promise<void> {
    const { guard, gate, commit, telemetry, task } = this.parts;
    if (guard.isKiller(id)) {
      telemetry.record(FACTS.workQuarantined, { ...task, work: id });
      quarantine(guard.endsFound);
      gate.killersFound++;
    } else {
      guard.markAlone(id);
      await commit();
      await run();
    }
    passed();
    await commit();
  }

  async #pass(events: number): Promise<void> {
    this.parts.guard.passed(events);
    await this.parts.commit();
  }
}

interface LoneUnit {
  readonly run: () => Promise<void>;
  /** In place of it. @param ends how often the process has ended among others */
  readonly quarantine: (ends: number) => void;
  /** It is done: the next commit says so. */
  readonly passed: () => void;
}

/** How much of a message a former owner has done, one by one. */
export function itemsDone({ within }: TaskProgress, key: string, position: Position): number {
  const found = within.get(key);
  return found !== undefined && comparePositions(found.position, position) === 0 ? found.items : 0;
}
