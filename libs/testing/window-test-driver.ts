import {
  type AnyWindowFunction,
  type MeasuredBy,
  type Measures,
  partialsTopicOf,
  pipelineOf,
  type TaskLogic,
  type WindowFunctionDefinition,
  windowGlobalTask,
  windowLocalTask,
  type WindowRow,
  type WindowTaskOptions,
} from '#libs/functions';
import type { JsonObject, StreamEvent } from '#libs/kernel';
import { decodeFrame, partitionOf } from '#libs/messaging';
import { Telemetry } from '#libs/observability';
import { COLLECTIONS, type ResultRow, rowId } from '#libs/storage';
import { START_MS, TestEvents, testTime } from './function-test-events.js';
import { DriverOutputs, type NumberedMessage } from './function-test-outputs.js';
import type {
  CrashPoint,
  DriverOutput,
  FunctionTestOptions,
  GivenEvent,
  LateEvent,
} from './function-test-options.js';
import { FunctionTestTask, positionAt } from './function-test-task.js';
import { ManualClock } from './manual-clock.js';
import { passTime } from './passing-time.js';

/** A local task of a window function, as drivers move its time. */
type LocalLogic = TaskLogic & { observeTime(stream: string, timeMs: number): void };

export interface WindowTestOptions extends FunctionTestOptions {
  /** Of the input, each with a task of its own; events go there by key, else by id. Default 1. */
  readonly partitions?: number;
}

/** Longer than the pace at which windows that still fill are shown. */
const SHOWN_AFTER_MS = 1_000;

/**
 * Runs a window function under virtual time, without a server: both stages that production runs, with their commits. What
 * goes in has gone through both when the call resolves, and what can be seen is what is committed and delivered.
 */
export class WindowTestDriver<Input, M extends Measures<Input> = Measures<Input>, Output = unknown> {
  readonly clock: ManualClock;
  readonly #events: TestEvents;
  readonly #options: WindowTaskOptions;
  readonly #locals: readonly FunctionTestTask<LocalLogic>[];
  readonly #globals: readonly FunctionTestTask<TaskLogic>[];
  readonly #outputs: readonly DriverOutputs[];
  /** Deltas on their way to the global tasks. */
  #partials: (NumberedMessage & { readonly producer: string })[] = [];
  readonly #shown = new Map<string, ResultRow>();

  constructor(
    readonly definition: WindowFunctionDefinition<Input, M, Output>,
    private readonly options: WindowTestOptions = {},
  ) {
    this.clock = new ManualClock(options.nowMs ?? START_MS);
    this.#events = new TestEvents(options, this.clock);
    const partitions = options.partitions ?? 1;
    this.#options = this.#taskOptions(partitions);
    const places = Array.from({ length: partitions }, (_, partition) => partition);
    const locals = places.map((partition) => this.#local(partition));
    const globals = places.map((partition) => this.#global(partition));
    this.#locals = locals.map(({ task }) => task);
    this.#globals = globals.map(({ task }) => task);
    this.#outputs = [...locals, ...globals].map(({ outputs }) => outputs);
  }

  /** Gives events, all of a partition in one message, and processes them. */
  async give(...events: readonly GivenEvent<Input>[]): Promise<void> {
    const complete = events.map((event) => this.#events.complete(event));
    for (const [partition, local] of this.#locals.entries()) {
      const here = complete.filter(
        ({ key, id }) => partitionOf(key ?? id, this.#locals.length) === partition,
      );
      if (here.length > 0) await local.take(this.#message(partition, local.given, here));
    }
    await this.#passOn();
  }

  /** As {@link give}, each event in a message of its own. */
  async giveEach(...events: readonly GivenEvent<Input>[]): Promise<void> {
    for (const event of events) await this.give(event);
  }

  /** The log delivers everything given so far once more, to both stages. */
  async giveAllAgain(): Promise<void> {
    for (const task of [...this.#locals, ...this.#globals]) await task.takeAllAgain();
    await this.#passOn();
  }

  /** The watermark of the stream goes on to `timeMs` in every partition, as by an event that is not for this function. */
  async advanceEventTime(timeMs: number, stream = this.#events.stream): Promise<void> {
    const reachedMs = timeMs + this.#options.time.maxOutOfOrdernessMs;
    for (const local of this.#locals) await local.take((logic) => logic.observeTime(stream, reachedMs));
    await this.#passOn();
  }

  /** The wall clock goes on while nothing comes in: a stream that is quiet for `idleAfter` goes on with it. */
  async advanceClock(ms: number): Promise<void> {
    const caughtUp = new Set([this.definition.input]);
    await passTime(this.clock, ms, this.#locals, caughtUp);
    await this.#passOn();
  }

  /** The stream is said to be complete so far, as by `POST …/close`. */
  async close(stream = this.#events.stream): Promise<void> {
    const closeId = `close-${this.clock.monotonicMs()}-${stream}`;
    const marker = { type: 'closing', stream, closeId } as const;
    for (const [partition, local] of this.#locals.entries())
      await local.take(
        this.#events.message({ topic: this.definition.input, partition, entry: local.given }, [], [marker]),
      );
    await this.advanceClock(1_000);
  }

  /** A process dies at this step of the next commit of its stage, once, and another goes on. */
  crashAt(point: CrashPoint, stage: 'local' | 'global' = 'local'): void {
    for (const task of stage === 'local' ? this.#locals : this.#globals) task.crash = point;
  }

  /** All processes die now, and others go on from the last commits. */
  restart(): void {
    for (const task of [...this.#locals, ...this.#globals]) task.restart();
  }

  /** The newest revision of each complete row, those that were taken back left out; by window, then key. */
  rows(): readonly WindowRow<MeasuredBy<M>>[] {
    const rows = this.#outputs.flatMap((outputs) => outputs.rows);
    return sorted(rows.filter(({ retracted }) => retracted !== true)) as never;
  }

  /** Every complete row and every correction, each once, in the order in which each task delivered them. */
  revisions(): readonly WindowRow<MeasuredBy<M>>[] {
    return this.#outputs.flatMap((outputs) => outputs.revisions) as never;
  }

  /** The rows of windows that are still filling, as the dashboard shows them; best effort in production. */
  async provisional(): Promise<readonly WindowRow<MeasuredBy<M>>[]> {
    this.clock.advance(SHOWN_AFTER_MS);
    await new Promise((resolve) => setImmediate(resolve));
    return sorted([...this.#shown.values()]) as never;
  }

  /** What came too late, or too early by the clock, with the reason. */
  late(): readonly LateEvent<Input>[] {
    return this.outputs<LateEvent<Input>>(`${pipelineOf(this.definition.input)}.late`);
  }

  /** What went to the output (without one, to `<pipeline>.results`), or to the named topic. */
  outputs<T = Output>(topic = this.#output): readonly T[] {
    return this.messages<T>(topic).map(({ data }) => data);
  }

  /** As {@link outputs}, with everything around. */
  messages<T = Output>(topic = this.#output): readonly DriverOutput<T>[] {
    const all = this.#outputs.flatMap(({ messages }) => messages);
    return all.filter((message) => message.topic === topic) as unknown as DriverOutput<T>[];
  }

  /** What could not be processed: code, reason, attempts, original, stack … */
  deadLetters(): readonly JsonObject[] {
    return this.#outputs.flatMap((outputs) => outputs.documents(COLLECTIONS.deadLetters));
  }

  /** How many events ended so: `counted`, `filtered`, `late`, `future`, `skipped`, `dead`. */
  counter(fate: string): number {
    return this.#locals.reduce((sum, { cells }) => sum + Number(cells.get(`c/${fate}`) ?? 0), 0);
  }

  get #output(): string {
    const { output, input } = this.definition;
    return output ?? `${pipelineOf(input)}.results`;
  }

  #message(
    partition: number,
    entry: number,
    events: readonly StreamEvent[],
  ): ReturnType<TestEvents['message']> {
    return this.#events.message({ topic: this.definition.input, partition, entry }, events);
  }

  /** What local tasks have sent goes through the global ones. */
  async #passOn(): Promise<void> {
    for (let sent = this.#partials.shift(); sent !== undefined; sent = this.#partials.shift()) {
      const global = this.#globals[sent.partition]!;
      const { delivery } = this.#events.message({ topic: sent.topic, entry: global.given }, []);
      const frame = decodeFrame(sent.message.payload, 'partials');
      const covers = { after: positionAt(global.given - 1), upTo: positionAt(global.given) };
      await global.take({
        delivery,
        frame: { ...frame, header: { ...frame.header, covers } },
        producer: sent.producer,
      });
    }
    for (const global of this.#globals) await global.commit();
  }

  #local(partition: number): { task: FunctionTestTask<LocalLogic>; outputs: DriverOutputs } {
    const partials = partialsTopicOf(this.definition, pipelineOf(this.definition.input));
    const producer = `${pipelineOf(this.definition.input)}/${this.definition.name}.local/${partition}`;
    const outputs = new DriverOutputs((sent) => {
      if (sent.topic === partials) this.#partials.push({ ...sent, producer });
      return sent.topic === partials;
    });
    const make = (): LocalLogic => windowLocalTask(this.#options, partition).logic as LocalLogic;
    return { task: new FunctionTestTask(make, outputs), outputs };
  }

  #global(partition: number): { task: FunctionTestTask<TaskLogic>; outputs: DriverOutputs } {
    const outputs = new DriverOutputs();
    const make = (): TaskLogic => windowGlobalTask(this.#options, partition).logic;
    return { task: new FunctionTestTask(make, outputs), outputs };
  }

  #taskOptions(partitions: number): WindowTaskOptions {
    return {
      definition: this.definition as unknown as AnyWindowFunction,
      pipeline: pipelineOf(this.definition.input),
      time: testTime(this.options.time),
      topics: (name) => ({ name, partitions: name.endsWith('.late') ? 1 : partitions }),
      clock: this.clock,
      telemetry: this.options.telemetry ?? new Telemetry({ logLevel: 'silent' }),
      results: {
        putOpenWindows: async (rows) => {
          for (const row of rows) this.#shown.set(rowId(row), row);
        },
        removeOpenWindows: async (rows) => {
          for (const row of rows) this.#shown.delete(rowId(row));
        },
      },
    };
  }
}

function sorted(rows: readonly ResultRow[]): readonly ResultRow[] {
  return rows.toSorted(
    (a, b) =>
      a.windowStartMs - b.windowStartMs ||
      a.windowEndMs - b.windowEndMs ||
      (JSON.stringify(a.key) < JSON.stringify(b.key) ? -1 : 1),
  );
}
