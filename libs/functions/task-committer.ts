import { type CommitVersion, type Lease, taskName } from '#libs/storage';
import { Acknowledgements } from './acknowledgements.js';
import { CommitPace, type CommitNeed } from './commit-pace.js';
import { CrashGuard } from './crash-guard.js';
import { DeliveredInputs } from './delivered-inputs.js';
import type { Failpoint } from './failpoints.js';
import { encodeOutbox, OutboxBuilder, splitOutbox, type SplitOutbox } from './outbox.js';
import { OutboxDelivery } from './outbox-delivery.js';
import type { Runtime } from './runtime-ports.js';
import type { TaskActivity } from './task-activity.js';
import type { RecoveredTask, TaskCommits } from './task-commits.js';
import type { TaskInputs } from './task-inputs.js';
import type { TaskLogic } from './task-logic.js';
import type { RunSignals } from './task-runner.js';

export interface TaskCommitterParts {
  readonly lease: Lease;
  readonly runtime: Runtime;
  readonly signals: RunSignals;
  readonly logic: TaskLogic;
  readonly commits: TaskCommits;
  readonly inputs: TaskInputs;
  readonly activity: TaskActivity;
}

/** What one run of a task gathers, commits, delivers and then acknowledges, in this order. */
export class TaskCommitter {
  readonly outputs: OutboxBuilder;
  readonly guard: CrashGuard;
  readonly pace: CommitPace;
  /** Positions have moved since the last commit. */
  isDirty = false;
  readonly #delivery: OutboxDelivery;
  readonly #delivered: DeliveredInputs;
  readonly #acknowledgements: Acknowledgements;

  constructor(
    private readonly parts: TaskCommitterParts,
    private readonly recovered: RecoveredTask,
  ) {
    const { lease, runtime, signals, logic } = parts;
    const { deliveredCommitSeq: commitSeq, progress, crash: note } = recovered;
    const { places } = progress;
    const { epoch } = lease.version;
    this.outputs = new OutboxBuilder(taskName(lease.task), progress.sequences);
    this.pace = new CommitPace(runtime.ports.clock, runtime.settings);
    this.#delivery = new OutboxDelivery(lease, runtime, signals.abort, { commitSeq, places });
    this.#delivered = new DeliveredInputs(commitSeq);
    this.#acknowledgements = new Acknowledgements(parts.inputs, signals.abort);
    // Without user code there is nothing to be careful about: as if every owner had ended in order.
    const found = logic.userCode === undefined ? { inOrder: epoch - 1 } : note;
    const former = { note: found, epoch, hasEndedHere: signals.isAfterError === true };
    this.guard = new CrashGuard(former, runtime.settings.maxCommitEvents);
  }

  /** What it is stuck on, beyond what the task's figures say. */
  get stuckOn(): string | undefined {
    return this.#delivery.waitingFor;
  }

  /** Delivers what the former owner may not have delivered. */
  async redeliver(): Promise<void> {
    const { commitSeq: newest } = this.parts.commits.version;
    for (const { version, outbox } of this.recovered.undelivered)
      this.#delivery.enqueueAgain(version, outbox, newest);
    await this.#delivery.waitBelow(1);
  }

  get need(): CommitNeed {
    const urgency = this.parts.logic.urgency?.() ?? 'pace';
    const isNoteDue = this.#delivered.isNoteDue(this.#delivery.deliveredCommitSeq);
    return { urgency, isAnything: this.isDirty || !this.outputs.isEmpty || isNoteDue };
  }

  /** @throws what the delivery or an acknowledgement failed with, if it did */
  check(): void {
    this.#delivery.check();
    this.#acknowledgements.check();
  }

  /** Puts out what is due. `more`: it is to be committed, and then more is due at the same position. */
  flush(): 'done' | 'more' {
    return this.parts.logic.flush(this.outputs, this.parts.runtime.settings.maxCommitBytes);
  }

  /** Says in the store that user code may run from here on. Nothing has run since the last commit. */
  async mark(): Promise<void> {
    this.guard.mark();
    await this.flushAndCommit();
  }

  async flushAndCommit(): Promise<void> {
    this.flush();
    await this.commit();
    this.parts.activity.enter('work');
  }

  /** Commits what is in memory, and acknowledges what that commit notes as delivered. */
  async commit(): Promise<void> {
    this.parts.activity.enter('commit');
    const { ports, settings } = this.parts.runtime;
    const { outbox: taken, afterDelivery } = this.outputs.take();
    const delivered = this.#delivery.deliveredCommitSeq;
    const isEarly = settings.withoutFences.has('outbox-before-delivery');
    const split = splitOutbox(taken, ports.commits.deliversResults && !isEarly);
    if (isEarly) this.#delivery.enqueue(this.parts.commits.nextVersion, split.outbox, afterDelivery);
    const version = await this.#store(split, delivered);
    if (!isEarly) this.#delivery.enqueue(version, split.outbox, afterDelivery);
    if (this.isDirty) this.#delivered.add(version.commitSeq, this.recovered.progress.positions);
    this.isDirty = false;
    this.pace.committed();
    const acknowledged = this.#delivered.note(delivered);
    if (acknowledged !== undefined) this.#acknowledgements.upTo(acknowledged);
    await this.#waitForDelivery();
  }

  /** The last commit: everything is out, and known to be out. */
  async finish(): Promise<void> {
    await this.#delivery.waitBelow(1);
    this.guard.end(this.parts.commits.version.epoch);
    await this.commit();
    await this.#acknowledgements.done();
    this.#acknowledgements.check();
  }

  async close(): Promise<void> {
    await this.#delivery.close();
  }

  async #store({ results, outbox }: SplitOutbox, deliveredCommitSeq: number): Promise<CommitVersion> {
    const { logic, commits } = this.parts;
    const { progress } = this.recovered;
    const isEmpty = outbox.rows.length + outbox.documents.length + outbox.messages.length === 0;
    progress.crash = this.guard.note();
    this.#pass('before-commit');
    if (results !== undefined) this.#pass('before-deliver-rows');
    const version = await commits.commit({
      progress,
      facts: logic.facts?.() ?? {},
      state: commits.stateBlob(logic.changes(), () => logic.cells()),
      outbox: isEmpty ? undefined : encodeOutbox(outbox),
      results,
      deliveredCommitSeq,
    });
    if (results !== undefined) this.#pass('after-deliver-rows');
    this.#pass('after-commit');
    return version;
  }

  async #waitForDelivery(): Promise<void> {
    const { maxUndeliveredCommits } = this.parts.runtime.settings;
    if (this.#delivery.pending < maxUndeliveredCommits) return;
    this.parts.activity.enter(this.#delivery.delivering);
    await this.#delivery.waitBelow(maxUndeliveredCommits);
  }

  #pass(point: Failpoint): void {
    this.parts.runtime.ports.failpoints?.hit(point, this.parts.lease.task);
  }
}
