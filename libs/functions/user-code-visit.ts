import type { TaskLogic } from './task-logic.js';
import type { UserCodeGate } from './user-code-gate.js';

/** One task's way in and out of the gate: in before user code may start, out as soon as none of it runs. */
export class UserCodeVisit {
  #isInside = false;

  constructor(
    private readonly gate: UserCodeGate,
    private readonly logic: TaskLogic,
    private readonly abort: AbortSignal,
  ) {}

  /** Undefined: at once. */
  enter(): Promise<void> | undefined {
    if (this.logic.userCode === undefined || this.#isInside) return undefined;
    const entering = this.gate.enter(this.abort);
    if (entering !== undefined) return entering.then(() => void (this.#isInside = true));
    this.#isInside = true;
    return undefined;
  }

  /** Somebody waits to be alone. */
  get isLeavingWanted(): boolean {
    return this.#isInside && this.gate.isWanted;
  }

  /** Called when something may have ended. */
  leaveIfIdle(): void {
    if (this.logic.userCode?.isRunning !== true) this.leave();
  }

  leave(): void {
    if (!this.#isInside) return;
    this.#isInside = false;
    this.gate.leave();
  }
}
