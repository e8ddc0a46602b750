import type { Delivery } from '#libs/messaging';
import { FACTS } from '#libs/observability';
import type { Lease, TaskId } from '#libs/storage';
import { unlessAborted } from './backoff.js';
import type { Failpoint } from './failpoints.js';
import { itemsDone, LoneWork } from './lone-work.js';
import type { Runtime } from './runtime-ports.js';
import { type AdmittedInput, SeenInputs } from './seen-inputs.js';
import type { StateIdentity } from './state-migration.js';
import { TaskActivity } from './task-activity.js';
import { TaskCommits, type TaskProgress } from './task-commits.js';
import { TaskCommitter } from './task-committer.js';
import { type InputBatch, type InputDefinition, TaskInputs } from './task-inputs.js';
import type { TaskLogic } from './task-logic.js';
import { UserCodeVisit } from './user-code-visit.js';

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
  /** The process of the run before has lived to see its end: whatever it ran did not kill anything. */
  readonly isAfterError?: boolean;
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
  #committer!: TaskCommitter;
  #progress!: TaskProgress;
  #seen!: SeenInputs;
  #alone: LoneWork | undefined;
  readonly #visit: UserCodeVisit;

  constructor(
    private readonly definition: TaskDefinition,
    private readonly lease: Lease,
    private readonly runtime: Runtime,
    private readonly signals: RunSignals,
  ) {
    this.#logic = definition.logic;
    this.#commits = new TaskCommits(lease, definition.identity, runtime, signals.abort);
    const wants = (topic: string): boolean => this.#logic.wants?.(topic) ?? true;
    this.#inputs = new TaskInputs(runtime, definition.task, wants);
    this.#stop = AbortSignal.any([signals.abort, signals.drain]);
    this.#over = AbortSignal.any([signals.abort, this.#ended.signal]);
    this.#visit = new UserCodeVisit(runtime.gate, definition.logic, signals.abort);
    this.activity = new TaskActivity(runtime.ports.clock);
  }

  get commitSeq(): number {
    return this.#commits.version.commitSeq;
  }

  /** What it is stuck on, beyond what its figures say. */
  get stuckOn(): string | undefined {
    return this.#committer?.stuckOn;
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
      this.#visit.leave();
      await this.#inputs.close();
      await this.#committer?.close();
    }
  }

  async #recover(): Promise<void> {
    const recovered = await this.#commits.recover();
    const { progress, undelivered, cells } = recovered;
    const { task, inputs } = this.definition;
    this.#progress = progress;
    this.#seen = new SeenInputs(task, progress, this.runtime.settings.withoutFences);
    this.#committer = new TaskCommitter(
      {
        lease: this.lease,
        runtime: this.runtime,
        signals: this.signals,
        logic: this.#logic,
        commits: this.#commits,
        inputs: this.#inputs,
        activity: this.activity,
      },
      recovered,
    );
    await this.#committer.redeliver();
    this.#pass('after-redeliver');
    this.#logic.begin?.({ abort: this.#over, drain: this.signals.drain });
    this.#logic.restore(cells);
    this.#beCareful();
    await this.#unlessAborted(this.#inputs.open(inputs, progress.positions));
    const { epoch, commitSeq } = this.#commits.version;
    const started = { ...task, epoch, commitSeq, redelivered: undelivered.length };
    this.runtime.ports.telemetry.record(FACTS.taskStarted, started);
  }

  /** Where the owner before may have been killed by what it ran. */
  #beCareful(): void {
    const { guard, outputs } = this.#committer;
    const { userCode } = this.#logic;
    if (userCode === undefined || guard.mode === 'none') return;
    const { task } = this.definition;
    const { telemetry } = this.runtime.ports;
    telemetry.record(FACTS.taskCrashed, { ...task, ends: guard.endsFound, mode: guard.mode });
    this.#alone = new LoneWork({
      task,
      logic: this.#logic,
      userCode,
      guard,
      outputs,
      telemetry,
      progress: this.#progress,
      count: (events) => this.#count(events),
      commit: () => {
        this.#committer.isDirty = true;
        return this.#committer.flushAndCommit();
      },
      gate: this.runtime.gate,
      stop: this.#stop,
      abort: this.signals.abort,
    });
  }

  async #step(): Promise<void> {
    const batch = await this.#nextBatch();
    this.activity.enter('work');
    if (batch !== undefined) await this.#take(batch);
    await this.#tick();
    const { pace, need } = this.#committer;
    if (!this.signals.abort.aborted && pace.isCommitDue(need)) await this.#commitAll();
    this.#committer.check();
  }

  async #nextBatch(): Promise<InputBatch | undefined> {
    this.activity.enter('input');
    const { pace, need } = this.#committer;
    let fire: () => void = () => undefined;
    const deadline = new Promise<void>((resolve) => (fire = resolve));
    const dueMs = pace.msUntilDue(need, this.#logic.tick !== undefined);
    const cancel = this.runtime.ports.clock.after(dueMs, fire);
    try {
      return await this.#inputs.receive(deadline, this.#stop);
    } finally {
      cancel();
    }
  }

  async #take(batch: InputBatch): Promise<void> {
    for (const delivery of batch.deliveries) {
      if (this.signals.abort.aborted) return;
      // What is left then is not passed over: the next run begins behind the last commit.
      if (!(await this.#takeOne(batch.input, delivery))) return;
      if (this.runtime.settings.withoutFences.has('acknowledge-after-commit'))
        await this.#inputs.acknowledge(this.#progress.positions);
      if (this.#committer.pace.isFull(this.#committer.outputs.bytes)) await this.#commitAll();
    }
  }

  /** False: it had to stop within the message. */
  async #takeOne(input: InputDefinition, delivery: Delivery): Promise<boolean> {
    const { guard } = this.#committer;
    const found = this.#seen.look(input, delivery);
    if (found === undefined) {
      this.#committer.isDirty = true;
      this.runtime.ports.telemetry.record(FACTS.repeatsDropped, this.definition.task);
      return true;
    }
    while (guard.mode === 'alone') {
      if (await this.#alone?.take(found)) return true;
      if (this.#stop.aborted) return false;
    }
    if (guard.isMarkDue) await this.#committer.mark();
    await this.#apply(found);
    return true;
  }

  async #apply({ taken, key, admit }: AdmittedInput): Promise<void> {
    const done = itemsDone(this.#progress, key, taken.delivery.position);
    const { frame } = taken;
    const items = done === 0 ? frame.items : frame.items.slice(done);
    admit();
    this.#committer.isDirty = true;
    this.#pass('before-apply');
    const entering = this.#visit.enter();
    if (entering !== undefined) await entering;
    const rest = done === 0 ? taken : { ...taken, frame: { ...frame, items } };
    const applying = this.#logic.apply(rest, this.#committer.outputs);
    // Only user code makes it wait.
    if (applying !== undefined) await this.#waitFor('user code', applying);
    this.#pass('after-apply');
    if (this.#visit.isLeavingWanted) await this.#logic.userCode?.ended(this.#committer.outputs);
    this.#visit.leaveIfIdle();
    this.#count(items.length);
  }

  #count(events: number): void {
    this.#committer.pace.count(events);
    this.activity.countMessage(events);
    this.runtime.ports.telemetry.record(FACTS.eventsProcessed, this.definition.task, events);
  }

  async #waitFor(what: string, waiting: Promise<void>): Promise<void> {
    this.activity.enter(what);
    await waiting;
    this.activity.enter('work');
  }

  #pass(point: Failpoint): void {
    this.runtime.ports.failpoints?.hit(point, this.definition.task);
  }

  async #tick(): Promise<void> {
    const { pace, outputs } = this.#committer;
    if (this.#logic.tick === undefined || !pace.isTickDue) return;
    const { clock, commits } = this.runtime.ports;
    const { pipeline, stage } = this.definition.task;
    const siblings = await this.#unlessAborted(commits.facts(pipeline, stage));
    const caughtUp = await this.#unlessAborted(this.#inputs.caughtUpTopics());
    this.#logic.tick({ nowMs: clock.nowMs(), siblings, caughtUp }, outputs);
    pace.ticked();
  }

  /** Commits until nothing is due any more; a large emission takes several commits at the same position. */
  async #commitAll(): Promise<void> {
    const committer = this.#committer;
    const { guard, pace } = committer;
    for (let more = true; more;) {
      await this.#settle();
      more = committer.flush() === 'more';
      guard.passed(pace.events);
      await committer.commit();
    }
    this.activity.enter('work');
  }

  /** Ends what is under way, and does what is due. */
  async #settle(): Promise<void> {
    const { guard, outputs } = this.#committer;
    const { userCode } = this.#logic;
    if (guard.mode === 'alone') await this.#alone?.due();
    if (guard.isMarkDue && userCode?.nextDue() !== undefined) await this.#committer.mark();
    await this.#visit.enter();
    const settling =
      guard.mode === 'alone'
        ? userCode?.ended(outputs)
        : this.#logic.settle?.(outputs, this.runtime.settings.maxCommitBytes);
    if (settling !== undefined) await this.#waitFor('user code', settling);
    this.#visit.leave();
  }

  /** A store or broker that hangs must not keep a task that has lost its lease. @throws TaskInterruptedError */
  #unlessAborted<T>(running: Promise<T>): Promise<T> {
    return unlessAborted(running, this.signals.abort);
  }

  /** The end of a drained task: everything out, and known to be out. */
  async #finish(): Promise<void> {
    await this.#commitAll();
    await this.#committer.finish();
  }
}
