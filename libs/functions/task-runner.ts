import type { Delivery, Position } from '#libs/messaging';
import { FACTS } from '#libs/observability';
import { type Lease, type TaskId, taskName } from '#libs/storage';
import { unlessAborted } from './backoff.js';
import type { Failpoint } from './failpoints.js';
import type { Fence } from './fences.js';
import { encodeOutbox, OutboxBuilder } from './outbox.js';
import { OutboxDelivery } from './outbox-delivery.js';
import type { Runtime } from './runtime-ports.js';
import { SeenInputs } from './seen-inputs.js';
import type { StateIdentity } from './state-migration.js';
import { TaskActivity } from './task-activity.js';
import { TaskCommits, type TaskProgress } from './task-commits.js';
import { type InputBatch, type InputDefinition, TaskInputs } from './task-inputs.js';
import type { TaskLogic } from './task-logic.js';

// The life of one task under one lease (ARCHITECTURE.md, "Exactly-once"):
//   recover → redeliver → read → apply in memory → commit → deliver → acknowledge.
// R1. Nothing leaves before the commit that holds it.
// R2. Inputs are acknowledged only up to a commit whose outbox is known, in the store, to be delivered.
// R3. Whatever throws ends the run; the next one starts from the commit, never from what was in memory.

export interface TaskDefinition {
  readonly task: TaskId;
  readonly inputs: readonly InputDefinition[];
  readonly identity: StateIdentity;
  /** Made anew for every run. */
  readonly logic: TaskLogic;
}

export interface RunSignals {
  /** Stop now; memory is void. */
  readonly abort: AbortSignal;
  /** Take nothing more in, commit, deliver, then end. */
  readonly drain: AbortSignal;
}

export class TaskRunner {
  readonly activity: TaskActivity;
  readonly #logic: TaskLogic;
  readonly #commits: TaskCommits;
  readonly #inputs: TaskInputs;
  readonly #stop: AbortSignal;
  readonly #ended = new AbortController();
  /** Aborted, or ended in whatever way: what the logic still has under way is void. */
  readonly #over: AbortSignal;
  #delivery!: OutboxDelivery;
  #outputs!: OutboxBuilder;
  #progress!: TaskProgress;
  #seen!: SeenInputs;
  /** Positions of commits whose delivery is not yet recorded, oldest first. */
  #unacknowledged: { readonly commitSeq: number; readonly positions: Map<string, Position> }[] = [];
  #recordedDelivery = 0;
  #isDirty = false;
  #eventsSinceCommit = 0;
  #lastCommitMs = -Infinity;
  #lastTickMs = -Infinity;

  constructor(
    private readonly definition: TaskDefinition,
    private readonly lease: Lease,
    private readonly runtime: Runtime,
    private readonly signals: RunSignals,
  ) {
    const { ports } = runtime;
    this.#logic = definition.logic;
    this.#commits = new TaskCommits(lease, definition.identity, runtime, signals.abort);
    this.#inputs = new TaskInputs(runtime, definition.task);
    this.#stop = AbortSignal.any([signals.abort, signals.drain]);
    this.#over = AbortSignal.any([signals.abort, this.#ended.signal]);
    this.activity = new TaskActivity(ports.clock);
  }

  get commitSeq(): number {
    return this.#commits.version.commitSeq;
  }

  /** What it is stuck on, beyond what its figures say. */
  get stuckOn(): string | undefined {
    return this.#delivery?.waitingFor;
  }

  backlogMessages(): number {
    return this.#inputs.backlogMessages();
  }

  /** Runs until drained or aborted. @throws what ended it: fenced, a gap, a store or broker that says never */
  async run(onRunning: () => void): Promise<void> {
    try {
      await this.#recover();
      onRunning();
      while (!this.#stop.aborted) await this.#step();
      if (!this.signals.abort.aborted) await this.#finish();
    } finally {
      this.#ended.abort();
      await this.#inputs.close();
      await this.#delivery?.close();
    }
  }

  async #recover(): Promise<void> {
    const { ports } = this.runtime;
    const { task } = this.definition;
    const recovered = await this.#commits.recover();
    this.#progress = recovered.progress;
    this.#outputs = new OutboxBuilder(taskName(task), this.#progress.sequences);
    this.#seen = new SeenInputs(task, this.#progress, this.runtime.settings.withoutFences);
    this.#delivery = new OutboxDelivery(this.lease, this.runtime, this.signals.abort, {
      commitSeq: recovered.deliveredCommitSeq,
      places: this.#progress.places,
    });
    this.#recordedDelivery = recovered.deliveredCommitSeq;
    for (const { version, outbox } of recovered.undelivered) this.#delivery.enqueueAgain(version, outbox);
    await this.#delivery.waitBelow(1);
    this.#pass('after-redeliver');
    this.#logic.begin?.({ abort: this.#over, drain: this.signals.drain });
    this.#logic.restore(recovered.cells);
    await this.#unlessAborted(this.#inputs.open(this.definition.inputs, this.#progress.positions));
    const { epoch, commitSeq } = this.#commits.version;
    ports.telemetry.record(FACTS.taskStarted, {
      ...task,
      epoch,
      commitSeq,
      redelivered: recovered.undelivered.length,
    });
  }

  async #step(): Promise<void> {
    const batch = await this.#nextBatch();
    this.activity.enter('work');
    if (batch !== undefined) await this.#take(batch);
    await this.#tick();
    if (!this.signals.abort.aborted && this.#isCommitDue()) await this.#commitAll();
    this.#delivery.check();
  }

  async #nextBatch(): Promise<InputBatch | undefined> {
    const { clock } = this.runtime.ports;
    this.activity.enter('input');
    let fire: () => void = () => undefined;
    const deadline = new Promise<void>((resolve) => (fire = resolve));
    const cancel = clock.after(this.#msUntilDue(), fire);
    try {
      return await this.#inputs.receive(deadline, this.#stop);
    } finally {
      cancel();
    }
  }

  async #take(batch: InputBatch): Promise<void> {
    for (const delivery of batch.deliveries) {
      if (this.signals.abort.aborted) return;
      await this.#apply(batch.input, delivery);
      if (this.#isWithout('acknowledge-after-commit'))
        await this.#inputs.acknowledge(this.#progress.positions);
      if (this.#isFull()) await this.#commitAll();
    }
  }

  async #apply(input: InputDefinition, delivery: Delivery): Promise<void> {
    const taken = this.#seen.take(input, delivery);
    this.#isDirty = true;
    if (taken === undefined) {
      this.runtime.ports.telemetry.record(FACTS.repeatsDropped, this.definition.task);
      return;
    }
    this.#pass('before-apply');
    await this.#logic.apply(taken, this.#outputs);
    this.#pass('after-apply');
    this.#count(taken.frame.items.length);
  }

  #count(events: number): void {
    this.#eventsSinceCommit += events;
    this.activity.countMessage(events);
    this.runtime.ports.telemetry.record(FACTS.eventsProcessed, this.definition.task, events);
  }

  #pass(point: Failpoint): void {
    this.runtime.ports.failpoints?.hit(point, this.definition.task);
  }

  async #tick(): Promise<void> {
    if (this.#logic.tick === undefined) return;
    const { clock, commits } = this.runtime.ports;
    if (clock.monotonicMs() - this.#lastTickMs < this.runtime.settings.tickMs) return;
    const { pipeline, stage } = this.definition.task;
    const siblings = await this.#unlessAborted(commits.facts(pipeline, stage));
    const caughtUp = await this.#inputs.caughtUpTopics();
    this.#logic.tick({ nowMs: clock.nowMs(), siblings, caughtUp }, this.#outputs);
    this.#lastTickMs = clock.monotonicMs();
  }

  #isFull(): boolean {
    const { maxCommitEvents, maxCommitBytes } = this.runtime.settings;
    return this.#eventsSinceCommit >= maxCommitEvents || this.#outputs.bytes >= maxCommitBytes;
  }

  /** From the last commit to the next, for what is in memory now; undefined: nothing to commit. */
  #commitDelayMs(): number | undefined {
    const { commitGapMs, commitIntervalMs } = this.runtime.settings;
    const urgency = this.#logic.urgency?.() ?? 'pace';
    if (urgency === 'now') return 0;
    if (urgency === 'soon') return commitGapMs;
    const isDeliveryUnrecorded =
      this.#delivery.deliveredCommitSeq > this.#recordedDelivery && this.#unacknowledged.length > 0;
    return this.#isDirty || !this.#outputs.isEmpty || isDeliveryUnrecorded ? commitIntervalMs : undefined;
  }

  #isCommitDue(): boolean {
    const delayMs = this.#commitDelayMs();
    return delayMs !== undefined && this.runtime.ports.clock.monotonicMs() - this.#lastCommitMs >= delayMs;
  }

  #msUntilDue(): number {
    const nowMs = this.runtime.ports.clock.monotonicMs();
    const { tickMs } = this.runtime.settings;
    const commitDelayMs = this.#commitDelayMs();
    const tickInMs = this.#logic.tick === undefined ? tickMs : this.#lastTickMs + tickMs - nowMs;
    const commitInMs = commitDelayMs === undefined ? tickMs : this.#lastCommitMs + commitDelayMs - nowMs;
    return Math.max(0, Math.min(tickInMs, commitInMs, tickMs));
  }

  /** Commits until nothing is due any more; a large emission takes several commits at the same position. */
  async #commitAll(): Promise<void> {
    for (let more = true; more;) {
      const { maxCommitBytes } = this.runtime.settings;
      await this.#logic.settle?.(this.#outputs, maxCommitBytes);
      more = this.#logic.flush(this.#outputs, maxCommitBytes) === 'more';
      await this.#commit();
    }
    this.activity.enter('work');
  }

  async #commit(): Promise<void> {
    this.activity.enter('commit');
    const { outbox, afterDelivery } = this.#outputs.take();
    const isEmpty = outbox.rows.length + outbox.documents.length + outbox.messages.length === 0;
    const delivered = this.#delivery.deliveredCommitSeq;
    const isEarly = this.#isWithout('outbox-before-delivery');
    if (isEarly) this.#delivery.enqueue(this.#commits.nextVersion, outbox, afterDelivery);
    this.#pass('before-commit');
    const version = await this.#commits.commit({
      progress: this.#progress,
      facts: this.#logic.facts?.() ?? {},
      state: this.#commits.stateBlob(this.#logic.changes(), () => this.#logic.cells()),
      outbox: isEmpty ? undefined : encodeOutbox(outbox),
      deliveredCommitSeq: delivered,
    });
    this.#pass('after-commit');
    if (!isEarly) this.#delivery.enqueue(version, outbox, afterDelivery);
    if (this.#isDirty)
      this.#unacknowledged.push({
        commitSeq: version.commitSeq,
        positions: new Map(this.#progress.positions),
      });
    this.#isDirty = false;
    this.#eventsSinceCommit = 0;
    this.#lastCommitMs = this.runtime.ports.clock.monotonicMs();
    this.#recordedDelivery = delivered;
    await this.#acknowledge(delivered);
    if (this.#delivery.pending >= this.runtime.settings.maxUndeliveredCommits) {
      this.activity.enter('deliver');
      await this.#delivery.waitBelow(this.runtime.settings.maxUndeliveredCommits);
    }
  }

  /** A store or broker that hangs must not keep a task that has lost its lease. @throws TaskInterruptedError */
  #unlessAborted<T>(running: Promise<T>): Promise<T> {
    return unlessAborted(running, this.signals.abort);
  }

  #isWithout(fence: Fence): boolean {
    return this.runtime.settings.withoutFences.has(fence);
  }

  async #acknowledge(delivered: number): Promise<void> {
    let last: Map<string, Position> | undefined;
    while (this.#unacknowledged[0] !== undefined && this.#unacknowledged[0].commitSeq <= delivered) {
      last = this.#unacknowledged.shift()?.positions;
    }
    if (last !== undefined) await this.#unlessAborted(this.#inputs.acknowledge(last));
  }

  /** The end of a drained task: everything out, and known to be out. */
  async #finish(): Promise<void> {
    await this.#commitAll();
    await this.#delivery.waitBelow(1);
    await this.#commit();
  }
}
