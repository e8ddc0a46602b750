import {
  type AnyJoin,
  joinTask,
  pipelineOfJoin,
  type JoinRunOptions,
  type TaskLogic,
  topicsOfJoin,
} from '#libs/functions';
import type { JsonObject } from '#libs/kernel';
import { partitionOf } from '#libs/messaging';
import { Telemetry } from '#libs/observability';
import { COLLECTIONS } from '#libs/storage';
import { START_MS, TestEvents, testTime } from './function-test-events.js';
import { DriverOutputs } from './function-test-outputs.js';
import type { CrashPoint, DriverOutput, GivenEvent, LateEvent } from './function-test-options.js';
import { FunctionTestTask } from './function-test-task.js';
import { ManualClock } from './manual-clock.js';
import { passTime } from './passing-time.js';
import type { WindowTestOptions } from './window-test-driver.js';

type JoinLogic = TaskLogic & { observeTime(stream: string, timeMs: number): void };

/**
 * Runs a join under virtual time, without a server: what production runs, with its commits. What goes in is committed when
 * the call resolves, and what can be seen is what is committed and delivered.
 *
 * `First` is what comes in on the left (or as the stream), `Second` on the right (or as the table).
 */
export class JoinTestDriver<First, Second, Output = unknown> {
  readonly clock: ManualClock;
  readonly #events: TestEvents;
  readonly #runOptions: JoinRunOptions;
  readonly #tasks: readonly FunctionTestTask<JoinLogic>[];
  readonly #outputs: readonly DriverOutputs[];

  constructor(
    readonly definition: AnyJoin,
    options: WindowTestOptions = {},
  ) {
    this.clock = new ManualClock(options.nowMs ?? START_MS);
    this.#events = new TestEvents(options, this.clock);
    const partitions = options.partitions ?? 1;
    this.#runOptions = {
      definition,
      pipeline: pipelineOfJoin(definition),
      time: testTime(options.time),
      topics: (name) => ({ name, partitions: name.endsWith('.late') ? 1 : partitions }),
      telemetry: options.telemetry ?? new Telemetry({ logLevel: 'silent' }),
    };
    this.#outputs = Array.from({ length: partitions }, () => new DriverOutputs());
    this.#tasks = this.#outputs.map(
      (outputs, partition) => new FunctionTestTask(() => this.#logic(partition), outputs),
    );
  }

  /** Gives events of the left input, or of the stream; those of a partition in one message. */
  async give(...events: readonly GivenEvent<First>[]): Promise<void> {
    await this.#giveTo(this.#topics[0], events);
  }

  /** Gives events of the right input. */
  async giveRight(...events: readonly GivenEvent<Second>[]): Promise<void> {
    await this.#giveTo(this.#topics[1], events);
  }

  /** Gives events of the table: rows as they are from their times on. */
  async giveTable(...events: readonly GivenEvent<Second>[]): Promise<void> {
    await this.#giveTo(this.#topics[1], events);
  }

  /** The log delivers everything given so far once more. */
  async giveAllAgain(): Promise<void> {
    for (const task of this.#tasks) await task.takeAllAgain();
  }

  /** The watermarks of both sides go on to `timeMs`, as by events that are not for this join. */
  async advanceEventTime(timeMs: number, stream = this.#events.stream): Promise<void> {
    const reachedMs = timeMs + this.#runOptions.time.maxOutOfOrdernessMs;
    for (const task of this.#tasks) await task.take((logic) => logic.observeTime(stream, reachedMs));
  }

  /** The wall clock goes on while nothing comes in: a side that is quiet for `idleAfter` follows the other one, and then the clock. */
  async advanceClock(ms: number): Promise<void> {
    await passTime(this.clock, ms, this.#tasks, new Set(this.#topics));
  }

  /** The process dies at this step of the next commit, once, and another goes on. */
  crashAt(point: CrashPoint): void {
    for (const task of this.#tasks) task.crash = point;
  }

  /** The process dies now, and another goes on from the last commit. */
  restart(): void {
    for (const task of this.#tasks) task.restart();
  }

  /** Would the task read the input on: `left`/`stream` 0, `right`/`table` 1. */
  wants(place: 0 | 1): boolean {
    return this.#tasks.every(({ logic }) => logic.wants?.(this.#topics[place]) ?? true);
  }

  /** What went to the output, or to the named topic, in order. */
  outputs<T = Output>(topic = this.#runOptions.definition.output): readonly T[] {
    return this.messages<T>(topic).map(({ data }) => data);
  }

  /** As {@link outputs}, with everything around. */
  messages<T = Output>(topic = this.#runOptions.definition.output): readonly DriverOutput<T>[] {
    const all = this.#outputs.flatMap(({ messages }) => messages);
    return all.filter((message) => message.topic === topic) as unknown as DriverOutput<T>[];
  }

  /** What was refused, with the reason: `late`, `future`, `not-kept`. */
  late(): readonly LateEvent<First | Second>[] {
    return this.outputs<LateEvent<First | Second>>(`${this.#runOptions.pipeline}.late`);
  }

  /** What could not be processed: code, reason, attempts, original, stack … */
  deadLetters(): readonly JsonObject[] {
    return this.#outputs.flatMap((outputs) => outputs.documents(COLLECTIONS.deadLetters));
  }

  /** How many events ended so, and what came of them; docs/functions.md has the names. */
  counter(name: string): number {
    return this.#tasks.reduce((sum, { cells }) => sum + Number(cells.get(`c/${name}`) ?? 0), 0);
  }

  /** How many cells of state are committed: what is kept, what waits, versions of rows. */
  get keptCells(): number {
    const kept = this.#tasks.flatMap(({ cells }) =>
      [...cells.keys()].filter((name) => /^[jtw]\//.test(name)),
    );
    return kept.length;
  }

  get #topics(): readonly [string, string] {
    const [first, second] = topicsOfJoin(this.#runOptions.definition);
    return [first!, second ?? first!];
  }

  #logic(partition: number): JoinLogic {
    return joinTask(this.#runOptions, partition).logic as JoinLogic;
  }

  async #giveTo(topic: string, events: readonly GivenEvent<unknown>[]): Promise<void> {
    const complete = events.map((event) => this.#events.complete(event));
    for (const [partition, task] of this.#tasks.entries()) {
      const here = complete.filter(({ key, id }) => partitionOf(key ?? id, this.#tasks.length) === partition);
      if (here.length === 0) continue;
      await task.take(this.#events.message({ topic, partition, entry: task.given }, here));
    }
  }
}
