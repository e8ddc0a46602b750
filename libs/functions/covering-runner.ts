import type { JsonValue } from '#libs/kernel';
import {
  BEFORE_FIRST,
  type Delivery,
  encodeFrame,
  type FrameHeader,
  type MessageProducer,
  type Position,
} from '#libs/messaging';
import { FACTS } from '#libs/observability';
import { type Lease, type TaskId, taskName } from '#libs/storage';
import { unlessAborted, untilClosed } from './backoff.js';
import type { CoveringLogic, CoveringOutput } from './covering-logic.js';
import type { Failpoint } from './failpoints.js';
import { asError } from './functions.errors.js';
import { splitIntoParts } from './frame-parts.js';
import { ProducerMemory } from './producer-memory.js';
import type { Runtime } from './runtime-ports.js';
import type { StateIdentity } from './state-migration.js';
import { TaskActivity } from './task-activity.js';
import { TaskCommits, type TaskProgress } from './task-commits.js';
import { type InputDefinition, inputKey, TaskInputs } from './task-inputs.js';
import type { RunSignals } from './task-runner.js';

// The life of a stage that is a pure function of its input (covering-logic.ts).
//   C1. One message gives one frame, or numbered parts of one: on every run the same boundaries, so that any
//       reader can tell by `covers` what it has.
//   C2. A commit comes after the broker has stored every frame made so far; then the input is acknowledged.
//   C3. A frame that could not be stored ends the run: the next one makes it again, in order.

/** A commit is only there to shorten the way after a restart. */
const COMMIT_INTERVAL_MS = 10_000;
const COMMIT_BYTES = 64 * 1024 * 1024;
/** While everything has been read, readers are told so this often. */
const HEARTBEAT_MS = 2_000;
/** Frames on their way to the broker at once. */
const MAX_IN_FLIGHT = 64;

export interface CoveringTaskDefinition {
  readonly task: TaskId;
  readonly input: InputDefinition;
  readonly outputTopic: string;
  readonly identity: StateIdentity;
  /** Made anew for every run. */
  readonly logic: CoveringLogic;
}

export class CoveringRunner {
  readonly activity: TaskActivity;
  readonly stuckOn = undefined;
  readonly #commits: TaskCommits;
  readonly #inputs: TaskInputs;
  readonly #stop: AbortSignal;
  readonly #producers = new ProducerMemory();
  #output!: MessageProducer;
  #opening: Promise<MessageProducer> | undefined;
  #progress!: TaskProgress;
  #coveredUpTo: Position = BEFORE_FIRST;
  readonly #inFlight = new Set<Promise<unknown>>();
  #failure: Error | undefined;
  #isDirty = false;
  #bytesSinceCommit = 0;
  #lastCommitMs: number;
  #lastBeatMs = -Infinity;

  constructor(
    private readonly definition: CoveringTaskDefinition,
    lease: Lease,
    private readonly runtime: Runtime,
    private readonly signals: RunSignals,
  ) {
    this.#commits = new TaskCommits(lease, definition.identity, runtime, signals.abort);
    this.#inputs = new TaskInputs(runtime, definition.task);
    this.#stop = AbortSignal.any([signals.abort, signals.drain]);
    this.activity = new TaskActivity(runtime.ports.clock);
    this.#lastCommitMs = runtime.ports.clock.monotonicMs();
  }

  get commitSeq(): number {
    return this.#commits.version.commitSeq;
  }

  backlogMessages(): number {
    return this.#inputs.backlogMessages();
  }

  /** Runs until drained or aborted. @throws what ended it */
  async run(onRunning: () => void): Promise<void> {
    try {
      await this.#recover();
      onRunning();
      while (!this.#stop.aborted) await this.#step();
      if (!this.signals.abort.aborted && this.#isDirty) await this.#commit();
    } finally {
      await this.#inputs.close();
      await this.#unlessAborted(Promise.allSettled(this.#inFlight)).catch(() => undefined);
      const closing = this.#opening?.then((output) => output.close());
      if (closing !== undefined) await untilClosed(closing, this.runtime.ports.clock);
    }
  }

  async #recover(): Promise<void> {
    const { task, input, outputTopic, logic } = this.definition;
    const { cells, progress } = await this.#commits.recover();
    this.#progress = progress;
    this.#coveredUpTo = progress.covered.get(inputKey(input)) ?? BEFORE_FIRST;
    this.#producers.restore(cells);
    logic.restore(cells);
    const producerName = taskName(task);
    this.#opening = this.runtime.ports.broker.openProducer({
      topic: outputTopic,
      partition: task.partition,
      producerName,
    });
    this.#output = await this.#unlessAborted(this.#opening);
    await this.#unlessAborted(this.#inputs.open([input], progress.positions));
    const { epoch, commitSeq } = this.#commits.version;
    this.runtime.ports.telemetry.record(FACTS.taskStarted, { ...task, epoch, commitSeq, redelivered: 0 });
  }

  async #step(): Promise<void> {
    this.activity.enter('input');
    const batch = await this.#receive();
    this.activity.enter('work');
    for (const delivery of batch) await this.#take(delivery);
    await this.#beat();
    if (this.#isCommitDue()) await this.#commit();
    this.#check();
  }

  async #receive(): Promise<readonly Delivery[]> {
    let fire: () => void = () => undefined;
    const deadline = new Promise<void>((resolve) => (fire = resolve));
    const cancel = this.runtime.ports.clock.after(HEARTBEAT_MS / 4, fire);
    try {
      return (await this.#inputs.receive(deadline, this.#stop))?.deliveries ?? [];
    } finally {
      cancel();
    }
  }

  async #take(delivery: Delivery): Promise<void> {
    const { task, input, logic } = this.definition;
    const { telemetry } = this.runtime.ports;
    const { isRepeat, missing } = this.#producers.look(delivery);
    if (missing > 0) {
      const { producerName, position } = delivery;
      telemetry.record(FACTS.framesMissing, { ...task, producerName, position: position.join(':') }, missing);
    }
    if (isRepeat) {
      telemetry.record(FACTS.repeatsDropped, task);
    } else {
      const transforming = logic.transform(delivery);
      const output = transforming instanceof Promise ? await this.#waitFor(transforming) : transforming;
      await this.#sendParts(output, delivery.position);
      this.activity.countMessage(output.events);
      telemetry.record(FACTS.eventsProcessed, task, output.events);
    }
    this.#progress.positions.set(inputKey(input), delivery.position);
    this.#isDirty = true;
  }

  async #waitFor(transforming: Promise<CoveringOutput>): Promise<CoveringOutput> {
    this.activity.enter(this.definition.logic.waitingFor ?? 'user code');
    const output = await transforming;
    this.activity.enter('work');
    return output;
  }

  /** Markers and counts ride in the last part: they apply after every item of the message. */
  async #sendParts(output: CoveringOutput, [ledgerId, entryId, batchIndex]: Position): Promise<void> {
    const parts = splitIntoParts(output.lines);
    for (const [index, lines] of parts.entries()) {
      const upTo: Position = [ledgerId, entryId, batchIndex, index];
      const isLast = index === parts.length - 1;
      const extras = isLast ? { markers: output.markers, dropped: output.dropped } : {};
      await this.#send(
        { v: 1, kind: 'enriched', covers: { after: this.#coveredUpTo, upTo }, ...extras },
        lines,
      );
      this.#coveredUpTo = upTo;
    }
  }

  async #send(header: FrameHeader, lines: readonly string[]): Promise<void> {
    // After a frame that is known to have failed none must be stored: readers would miss the one before it.
    this.#check();
    const frame = encodeFrame(header, lines);
    this.#pass('before-frame');
    const sent = this.#output.send(frame);
    const settled: Promise<void> = sent
      .then(
        () => this.#pass('after-frame'),
        (error: unknown) => void (this.#failure ??= asError(error)),
      )
      .then(() => void this.#inFlight.delete(settled));
    this.#inFlight.add(settled);
    this.#bytesSinceCommit += frame.payload.byteLength;
    if (this.#inFlight.size >= MAX_IN_FLIGHT) await this.#waitForRoom();
    this.#check();
  }

  /** @throws what a frame could not be stored for */
  #check(): void {
    if (this.#failure !== undefined) throw this.#failure;
  }

  async #waitForRoom(): Promise<void> {
    this.activity.enter('deliver:enriched');
    await this.#unlessAborted(Promise.race(this.#inFlight));
    this.activity.enter('work');
  }

  /** Also between frames: readers must be able to tell a stream that is quiet from a partition that is behind. */
  async #beat(): Promise<void> {
    const nowMs = this.runtime.ports.clock.monotonicMs();
    if (nowMs - this.#lastBeatMs < HEARTBEAT_MS || !(await this.#inputs.areCaughtUp())) return;
    const covers = { after: this.#coveredUpTo, upTo: this.#coveredUpTo };
    await this.#send({ v: 1, kind: 'enriched', covers, caughtUp: true }, []);
    this.#lastBeatMs = nowMs;
  }

  #isCommitDue(): boolean {
    const sinceMs = this.runtime.ports.clock.monotonicMs() - this.#lastCommitMs;
    return this.#isDirty && (sinceMs >= COMMIT_INTERVAL_MS || this.#bytesSinceCommit >= COMMIT_BYTES);
  }

  async #commit(): Promise<void> {
    this.activity.enter('commit');
    await this.#unlessAborted(Promise.all(this.#inFlight));
    this.#check();
    this.#progress.covered.set(inputKey(this.definition.input), this.#coveredUpTo);
    this.#pass('before-covering-commit');
    await this.#commits.commit({
      progress: this.#progress,
      facts: {},
      state: this.#commits.stateBlob(this.#changes(), () => this.#cells()),
      outbox: undefined,
      results: undefined,
      deliveredCommitSeq: this.#commits.version.commitSeq + 1,
    });
    this.#pass('after-covering-commit');
    await this.#unlessAborted(this.#inputs.acknowledge(this.#progress.positions));
    this.#isDirty = false;
    this.#bytesSinceCommit = 0;
    this.#lastCommitMs = this.runtime.ports.clock.monotonicMs();
  }

  /** A store or broker that hangs must not keep a task that has lost its lease. @throws TaskInterruptedError */
  #unlessAborted<T>(running: Promise<T>): Promise<T> {
    return unlessAborted(running, this.signals.abort);
  }

  #pass(point: Failpoint): void {
    this.runtime.ports.failpoints?.hit(point, this.definition.task);
  }

  *#changes(): Generator<readonly [string, JsonValue | undefined]> {
    yield* this.#producers.changes();
    yield* this.definition.logic.changes();
  }

  *#cells(): Generator<readonly [string, JsonValue]> {
    yield* this.#producers.cells();
    yield* this.definition.logic.cells();
  }
}
