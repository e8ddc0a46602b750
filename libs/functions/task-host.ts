import type { TaskStatus } from '#libs/messaging';
import { FACTS } from '#libs/observability';
import { type Lease, type TaskId, taskName } from '#libs/storage';
import { isWorthRejoining, pauseMs, REJOIN_BACKOFF } from './backoff.js';
import { type CoveringTaskDefinition, CoveringRunner } from './covering-runner.js';
import { codeOfFailure, LeaseLostError, TaskInterruptedError } from './functions.errors.js';
import type { RuntimePorts, RuntimeSettings } from './runtime-ports.js';
import { type TaskDefinition, TaskRunner } from './task-runner.js';
import { UserCodeGate } from './user-code-gate.js';

/** How to make a task: anew for every run, since a run that failed leaves nothing behind. */
export type TaskFactory =
  | { readonly task: TaskId; readonly kind: 'committed'; readonly make: () => TaskDefinition }
  | { readonly task: TaskId; readonly kind: 'covering'; readonly make: () => CoveringTaskDefinition };

/** An owner that could not renew stops this long before others may take over. */
const LEASE_MARGIN_MS = 2_000;
const LEASE_RETRY_MS = 1_000;
/** A run that held for so long had nothing to do with the failures before it. */
const STABLE_RUN_MS = 30_000;
/** An error that a retry does not help: the task stays failed and looks again this seldom. */
const FAILED_RETRY_MS = 30_000;

const NOT_RUNNING = {
  waitingFor: 'lease',
  waitingShare: 1,
  waits: { lease: 1 },
  busyShare: 0,
  eventsPerSecond: 0,
  backlogMessages: 0,
  commitSeq: 0,
};

interface RunningTask {
  readonly factory: TaskFactory;
  runner: TaskRunner | CoveringRunner | undefined;
  state: TaskStatus['state'];
  problem: TaskStatus['problem'];
  /** The last run has ended with an error, in this process. */
  hasFailed: boolean;
  /** For tests of a stage that lags behind: starts only then, by the monotonic clock. */
  heldUntilMs: number;
}

/** Runs tasks: takes their leases, keeps them renewed, starts a task again when it ends. */
export class TaskHost {
  readonly #tasks: RunningTask[] = [];
  readonly #loops: Promise<void>[] = [];
  readonly #abort = new AbortController();
  readonly #drain = new AbortController();
  readonly #gate = new UserCodeGate();

  /** @param owner unique for each process */
  constructor(
    private readonly owner: string,
    private readonly ports: RuntimePorts,
    private readonly settings: RuntimeSettings,
  ) {}

  /** Starts to run a task as soon as its lease is free. */
  add(factory: TaskFactory): void {
    const heldBackMs = this.settings.holdTasks.get(taskName(factory.task)) ?? 0;
    const heldUntilMs = this.ports.clock.monotonicMs() + heldBackMs;
    const task: RunningTask = {
      factory,
      runner: undefined,
      state: 'waiting-for-lease',
      problem: undefined,
      hasFailed: false,
      heldUntilMs,
    };
    this.#tasks.push(task);
    this.#loops.push(this.#supervise(task));
  }

  statuses(): readonly TaskStatus[] {
    return this.#tasks.map((task) => this.#status(task));
  }

  /** Stops intake, commits, delivers, gives the leases back. */
  async drain(): Promise<void> {
    this.#drain.abort();
    await Promise.all(this.#loops);
  }

  /** Stops at once; what is not committed is void and will be done again. */
  async abort(): Promise<void> {
    this.#abort.abort();
    await this.drain();
  }

  #status({ factory, runner, state, problem }: RunningTask): TaskStatus {
    const found = {
      ...factory.task,
      owner: this.owner,
      state,
      ...(problem === undefined ? {} : { problem }),
    };
    if (runner === undefined) return { ...found, ...NOT_RUNNING };
    const { waitingFor, messagesPerSecond, ...figures } = runner.activity.figures();
    const backlogMessages = runner.backlogMessages();
    return {
      ...found,
      ...figures,
      waitingFor: runner.stuckOn ?? waitingFor,
      backlogMessages,
      ...backlogSeconds(backlogMessages, messagesPerSecond),
      commitSeq: runner.commitSeq,
    };
  }

  async #supervise(task: RunningTask): Promise<void> {
    const { clock } = this.ports;
    const stop = AbortSignal.any([this.#abort.signal, this.#drain.signal]);
    await clock.sleep(Math.max(0, task.heldUntilMs - clock.monotonicMs()), stop);
    for (let failures = 0; !stop.aborted;) {
      const startedMs = clock.monotonicMs();
      const outcome = await this.#runOnce(task);
      if (clock.monotonicMs() - startedMs >= STABLE_RUN_MS) failures = 0;
      failures = outcome === 'failed' ? failures + 1 : 0;
      await clock.sleep(this.#pauseMs(task, outcome, failures), stop);
    }
    task.state = 'stopped';
  }

  #pauseMs(
    task: RunningTask,
    outcome: 'no-lease' | 'ended' | 'failed' | 'hopeless',
    failures: number,
  ): number {
    switch (outcome) {
      case 'no-lease':
        return LEASE_RETRY_MS;
      case 'ended':
        return 0;
      case 'hopeless':
        return FAILED_RETRY_MS;
      case 'failed':
        return pauseMs(REJOIN_BACKOFF, failures - 1, this.ports.random);
      default:
        return outcome satisfies never;
    }
  }

  async #runOnce(task: RunningTask): Promise<'no-lease' | 'ended' | 'failed' | 'hopeless'> {
    task.state = 'waiting-for-lease';
    try {
      const lease = await this.ports.leases.acquire(task.factory.task, this.owner, this.settings.leaseTtlMs);
      if (lease === undefined) return 'no-lease';
      this.ports.failpoints?.hit('after-acquire', lease.task);
      await this.#runUnder(lease, task);
      return 'ended';
    } catch (error) {
      this.#recordFailure(task, error);
      return isWorthRejoining(error) ? 'failed' : 'hopeless';
    } finally {
      task.runner = undefined;
    }
  }

  async #runUnder(lease: Lease, task: RunningTask): Promise<void> {
    const lost = new AbortController();
    const ended = new AbortController();
    const abort = AbortSignal.any([this.#abort.signal, lost.signal]);
    const renewing = this.#keepRenewed(lease, ended.signal, lost);
    try {
      task.state = 'recovering';
      task.runner = this.#runner(lease, task, abort);
      task.hasFailed = false;
      await task.runner.run(() => {
        task.state = 'running';
        task.problem = undefined;
      });
      if (lost.signal.aborted) throw new LeaseLostError(taskName(lease.task));
    } catch (error) {
      const isInterrupted = error instanceof TaskInterruptedError;
      if (isInterrupted && lost.signal.aborted) throw new LeaseLostError(taskName(lease.task), error);
      if (!isInterrupted || !this.#abort.signal.aborted) throw error;
    } finally {
      ended.abort();
      await renewing;
      await this.ports.leases.release(lease).catch(() => undefined);
    }
  }

  #runner(
    lease: Lease,
    { factory, hasFailed: isAfterError }: RunningTask,
    abort: AbortSignal,
  ): TaskRunner | CoveringRunner {
    const signals = { abort, drain: this.#drain.signal, isAfterError };
    const runtime = { ports: this.ports, settings: this.settings, gate: this.#gate };
    if (factory.kind === 'covering') return new CoveringRunner(factory.make(), lease, runtime, signals);
    return new TaskRunner(factory.make(), lease, runtime, signals);
  }

  /** Renews until `ended`; aborts `lost` when the lease is gone or could not be renewed in time. */
  async #keepRenewed(lease: Lease, ended: AbortSignal, lost: AbortController): Promise<void> {
    const { clock, leases } = this.ports;
    let renewedMs = clock.monotonicMs();
    while (!ended.aborted) {
      await clock.sleep(this.settings.leaseRenewMs, ended);
      if (ended.aborted) return;
      const startedMs = clock.monotonicMs();
      const overdueMs = renewedMs + this.settings.leaseTtlMs - LEASE_MARGIN_MS;
      const renewing = leases.renew(lease, this.settings.leaseTtlMs).catch(() => undefined);
      const renewed = await this.#answerBefore(overdueMs, renewing, ended);
      if (renewed === true) renewedMs = startedMs;
      if (renewed === false || (renewed === undefined && clock.monotonicMs() >= overdueMs))
        return lost.abort();
    }
  }

  /** Undefined when time is up: a store that says nothing must not keep an owner from seeing that. */
  async #answerBefore<T>(dueMs: number, answer: Promise<T>, ended: AbortSignal): Promise<T | undefined> {
    const { clock } = this.ports;
    const answered = new AbortController();
    const timeUp = clock.sleep(dueMs - clock.monotonicMs(), AbortSignal.any([ended, answered.signal]));
    try {
      return await Promise.race([answer, timeUp.then(() => undefined)]);
    } finally {
      answered.abort();
    }
  }

  #recordFailure(task: RunningTask, error: unknown): void {
    const code = codeOfFailure(error);
    const detail = error instanceof Error ? error.message : String(error);
    task.hasFailed = true;
    task.state = 'failed';
    task.problem = { code, detail, atMs: this.ports.clock.nowMs() };
    this.ports.telemetry.record(FACTS.taskFailed, { ...task.factory.task, code, error });
  }
}

/** Work left at the present pace; nothing is said while there is no pace. */
function backlogSeconds(messages: number, perSecond: number): { readonly backlogSeconds?: number } {
  if (messages === 0) return { backlogSeconds: 0 };
  return perSecond > 0 ? { backlogSeconds: messages / perSecond } : {};
}
