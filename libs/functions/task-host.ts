import type { TaskStatus } from '#libs/messaging';
import { FACTS } from '#libs/observability';
import { type Lease, type LeaseEnd, type TaskId, taskName } from '#libs/storage';
import { isWorthRejoining, pauseMs, REJOIN_BACKOFF } from './backoff.js';
import { type CoveringTaskDefinition, CoveringRunner } from './covering-runner.js';
import { codeOfFailure, LeaseLostError, TaskInterruptedError } from './functions.errors.js';
import { type HandOver, handOverOf, recordHandOver } from './hand-over.js';
import { keepRenewed } from './lease-keeper.js';
import { Membership } from './membership.js';
import type { RuntimePorts, RuntimeSettings } from './runtime-ports.js';
import { type RunSignals, type TaskDefinition, TaskRunner } from './task-runner.js';
import { UserCodeGate } from './user-code-gate.js';

/** How to make a task: anew for every run, since a run that failed leaves nothing behind. */
export type TaskFactory =
  | { readonly task: TaskId; readonly kind: 'committed'; readonly make: () => TaskDefinition }
  | { readonly task: TaskId; readonly kind: 'covering'; readonly make: () => CoveringTaskDefinition };

/** A run that held for so long had nothing to do with the failures before it. */
const STABLE_RUN_MS = 30_000;
/** An error that a retry does not help: the task stays failed and looks again this seldom. */
const FAILED_RETRY_MS = 30_000;
/** What pauses for so long after an error is offered to other processes meanwhile. */
const REST_MS = 1_000;

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
  readonly name: string;
  runner: TaskRunner | CoveringRunner | undefined;
  state: TaskStatus['state'];
  problem: TaskStatus['problem'];
  /** The last run has ended with an error, in this process. */
  hasFailed: boolean;
  /** Not to be run here before, by the monotonic clock: it has failed, or is held back for a test. */
  restsUntilMs: number;
  /** Of the run under way: another process is to have the task. */
  giveBack: AbortController | undefined;
  /** From another process, and not told yet, since it has not run here. */
  handOver: HandOver | undefined;
}

interface StopTime {
  /** When it was told to give the task back, at the earliest when the run began; by the monotonic clock. */
  atMs: number;
}

type RunOutcome = 'no-lease' | 'ended' | 'failed' | 'hopeless';

/**
 * Runs its share of the tasks (membership.ts): takes their leases, keeps them renewed, starts a task again when it ends,
 * gives back what another process is to have.
 */
export class TaskHost {
  readonly #tasks: RunningTask[] = [];
  readonly #loops: Promise<void>[] = [];
  readonly #abort = new AbortController();
  readonly #drain = new AbortController();
  readonly #gate = new UserCodeGate();
  readonly #membership: Membership;

  /** @param owner unique for each process */
  constructor(
    private readonly owner: string,
    private readonly ports: RuntimePorts,
    private readonly settings: RuntimeSettings,
  ) {
    this.#membership = new Membership({
      owner,
      ports,
      settings,
      describe: () => ({
        tasks: this.#tasks.map(({ name }) => name),
        resting: this.#tasks.filter((task) => this.#isResting(task)).map(({ name }) => name),
      }),
      onLook: () => this.#giveBackOthers(),
    });
  }

  /** Starts to run a task as soon as it is this process' share and its lease is free. */
  add(factory: TaskFactory): void {
    const name = taskName(factory.task);
    const heldBackMs = this.settings.holdTasks.get(name) ?? 0;
    const task: RunningTask = {
      factory,
      name,
      runner: undefined,
      state: 'waiting-for-lease',
      problem: undefined,
      hasFailed: false,
      restsUntilMs: this.ports.clock.monotonicMs() + heldBackMs,
      giveBack: undefined,
      handOver: undefined,
    };
    this.#tasks.push(task);
    this.#membership.changed();
    this.#loops.push(this.#supervise(task));
  }

  statuses(): readonly TaskStatus[] {
    return this.#tasks.map((task) => this.#status(task));
  }

  /** Stops intake, commits, delivers, gives the leases back. */
  async drain(): Promise<void> {
    this.#membership.leaving();
    this.#drain.abort();
    await Promise.all(this.#loops);
    await this.#membership.leave();
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
    for (let failures = 0; !stop.aborted;) {
      if (this.#isResting(task) || !this.#membership.isToTake(task.name)) {
        if (!this.#isResting(task)) this.#leaveToOthers(task);
        await this.#membership.nextLook(stop);
        continue;
      }
      const startedMs = clock.monotonicMs();
      const outcome = await this.#runOnce(task);
      if (clock.monotonicMs() - startedMs >= STABLE_RUN_MS) failures = 0;
      failures = outcome === 'failed' ? failures + 1 : 0;
      await this.#pause(task, { outcome, failures }, stop);
    }
    task.state = 'stopped';
  }

  async #pause(
    task: RunningTask,
    { outcome, failures }: { readonly outcome: RunOutcome; readonly failures: number },
    stop: AbortSignal,
  ): Promise<void> {
    const { clock, random } = this.ports;
    switch (outcome) {
      case 'no-lease':
      case 'ended':
        return await this.#membership.nextLook(stop);
      case 'hopeless':
        return this.#rest(task, FAILED_RETRY_MS);
      case 'failed': {
        const forMs = pauseMs(REJOIN_BACKOFF, failures - 1, random);
        return forMs < REST_MS ? await clock.sleep(forMs, stop) : this.#rest(task, forMs);
      }
      default:
        return outcome satisfies never;
    }
  }

  /** Another process is to run it: what has failed here is over, and keeps this one from nothing. */
  #leaveToOthers(task: RunningTask): void {
    task.state = 'waiting-for-lease';
    task.problem = undefined;
    task.handOver = undefined;
  }

  #rest(task: RunningTask, forMs: number): void {
    task.restsUntilMs = this.ports.clock.monotonicMs() + forMs;
    this.#membership.changed();
  }

  #isResting({ restsUntilMs }: RunningTask): boolean {
    return restsUntilMs > this.ports.clock.monotonicMs();
  }

  /** What others are to have: committed, delivered, given back. */
  #giveBackOthers(): void {
    for (const { name, giveBack } of this.#tasks) if (this.#membership.isToGiveBack(name)) giveBack?.abort();
  }

  async #runOnce(task: RunningTask): Promise<RunOutcome> {
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
      task.giveBack = undefined;
    }
  }

  async #runUnder(lease: Lease, task: RunningTask): Promise<void> {
    const { clock } = this.ports;
    const lost = new AbortController();
    const ended = new AbortController();
    const renewing = keepRenewed(lease, { ports: this.ports, settings: this.settings }, ended.signal, lost);
    const startedMs = clock.monotonicMs();
    task.giveBack = new AbortController();
    task.handOver = handOverOf(lease, startedMs, task.handOver);
    const drain = AbortSignal.any([this.#drain.signal, task.giveBack.signal]);
    const stop: StopTime = { atMs: startedMs };
    drain.addEventListener('abort', () => (stop.atMs = clock.monotonicMs()), { once: true });
    let end: Exclude<LeaseEnd, 'expired'> = 'failed';
    try {
      task.state = 'recovering';
      const abort = AbortSignal.any([this.#abort.signal, lost.signal]);
      task.runner = this.#runner(lease, task, { abort, drain });
      task.hasFailed = false;
      await task.runner.run(() => {
        task.state = 'running';
        task.problem = undefined;
        this.#recordHandOver(lease, task);
      });
      if (lost.signal.aborted) throw new LeaseLostError(task.name);
      if (!this.#abort.signal.aborted) end = this.#drain.signal.aborted ? 'released' : 'rebalanced';
    } catch (error) {
      const isInterrupted = error instanceof TaskInterruptedError;
      if (isInterrupted && lost.signal.aborted) throw new LeaseLostError(task.name, error);
      if (!isInterrupted || !this.#abort.signal.aborted) throw error;
    } finally {
      ended.abort();
      await renewing;
      await this.#release(lease, end, stop);
    }
  }

  #runner(
    lease: Lease,
    { factory, hasFailed }: RunningTask,
    until: Pick<RunSignals, 'abort' | 'drain'>,
  ): TaskRunner | CoveringRunner {
    // Whoever gave it back has lived to do so.
    const isAfterError = lease.former === undefined ? hasFailed : lease.former.end !== 'expired';
    const signals = { ...until, isAfterError };
    const runtime = { ports: this.ports, settings: this.settings, gate: this.#gate };
    if (factory.kind === 'covering') return new CoveringRunner(factory.make(), lease, runtime, signals);
    return new TaskRunner(factory.make(), lease, runtime, signals);
  }

  #recordHandOver(lease: Lease, running: RunningTask): void {
    const { telemetry, clock } = this.ports;
    if (running.handOver !== undefined) recordHandOver(lease, running.handOver, { telemetry, clock });
    running.handOver = undefined;
  }

  async #release(lease: Lease, end: Exclude<LeaseEnd, 'expired'>, stop: StopTime): Promise<void> {
    await this.ports.leases.release(lease, end).catch(() => undefined);
    if (end === 'failed') return;
    const seconds = (this.ports.clock.monotonicMs() - stop.atMs) / 1_000;
    this.ports.telemetry.record(FACTS.taskGivenBack, { ...lease.task, reason: end, seconds });
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
