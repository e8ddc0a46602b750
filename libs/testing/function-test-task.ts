import { admitCovered, type Moment, type TaskInput, type TaskLogic } from '#libs/functions';
import type { JsonValue } from '#libs/kernel';
import type { Position } from '#libs/messaging';
import type { CrashPoint } from './function-test-options.js';
import type { DriverOutputs } from './function-test-outputs.js';

const COMMIT_BYTES = 4 * 1024 * 1024;

/** What a task is given: a message, or something that happens to its logic (time goes on), to be done again after a crash. */
export type TestStep<Logic> = TaskInput | ((logic: Logic) => void);

/** One task of a driver: its logic with its commits, and what the log holds for it. */
export class FunctionTestTask<Logic extends TaskLogic> {
  /** How many commits there have been. */
  commits = 0;
  crash: CrashPoint | undefined;
  logic!: Logic;
  /** The committed state. */
  cells: Map<string, JsonValue>;
  /** Everything given so far, and how much of it has been applied and committed. */
  readonly #given: TestStep<Logic>[] = [];
  #run = new AbortController();
  #applied = 0;
  #committed = 0;

  /** @param make a new logic, for each process that takes over */
  constructor(
    private readonly make: () => Logic,
    private readonly outputs: DriverOutputs,
    stored: ReadonlyMap<string, JsonValue> = new Map(),
  ) {
    this.cells = new Map(stored);
    this.restart();
  }

  /** How many steps the log holds. */
  get given(): number {
    return this.#given.length;
  }

  /** Gives a step to the task and commits. */
  async take(step: TestStep<Logic>): Promise<void> {
    this.#given.push(step);
    await this.#apply(step);
    await this.commit();
  }

  /** The log delivers every message once more; the task drops what it has by the stretch that the message covers. */
  async takeAllAgain(): Promise<void> {
    for (const step of [...this.#given]) {
      if (typeof step === 'function' || isRepeat(step, this.#applied)) continue;
      this.#given.push(step);
      await this.#apply(step);
      await this.commit();
    }
  }

  /** Outside facts: what the logic decides from them is lost where no commit follows. */
  tick(moment: Moment): void {
    this.logic.tick?.(moment, this.outputs);
  }

  async commit(): Promise<void> {
    for (let isMore = true; isMore;) {
      await this.logic.settle?.(this.outputs, COMMIT_BYTES);
      isMore = this.logic.flush(this.outputs, COMMIT_BYTES) === 'more';
      if (this.#isCrash('before-commit')) return this.#again();
      for (const [name, value] of this.logic.changes()) this.#store(name, value);
      this.#committed = this.#applied;
      this.commits++;
      const outbox = this.outputs.commit();
      if (this.#isCrash('after-commit')) this.restart();
      this.outputs.deliver(outbox);
      if (!this.#isCrash('after-delivery')) continue;
      this.restart();
      this.outputs.deliver(outbox);
    }
  }

  /** Another process takes over: all it has is what was committed. */
  restart(): void {
    this.#run.abort();
    this.#run = new AbortController();
    this.logic = this.make();
    this.outputs.dropUncommitted();
    this.#applied = this.#committed;
    this.logic.begin?.({ abort: this.#run.signal, drain: new AbortController().signal });
    this.logic.restore(new Map(this.cells));
  }

  async #apply(step: TestStep<Logic>): Promise<void> {
    this.#applied++;
    if (typeof step === 'function') step(this.logic);
    else await this.logic.apply(step, this.outputs);
  }

  /** What the log gives to the next owner: everything that no commit holds. */
  async #again(): Promise<void> {
    this.restart();
    for (const step of this.#given.slice(this.#applied)) await this.#apply(step);
    await this.commit();
  }

  #isCrash(point: CrashPoint): boolean {
    if (this.crash !== point) return false;
    this.crash = undefined;
    return true;
  }

  #store(name: string, value: JsonValue | undefined): void {
    if (value === undefined) this.cells.delete(name);
    else this.cells.set(name, JSON.parse(JSON.stringify(value)) as JsonValue);
  }
}

/** The position of the step that is given as the `entry`th, from 0. */
export function positionAt(entry: number): Position {
  return [0, entry, 0, 0];
}

/** As the runtime decides it: by the stretch of input that the message covers. */
function isRepeat(given: TaskInput, applied: number): boolean {
  const { covers } = given.frame.header;
  return covers !== undefined && admitCovered(positionAt(applied - 1), covers).kind === 'repeat';
}
