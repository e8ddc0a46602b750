import {
  type FunctionDefinition,
  FunctionTaskLogic,
  type FunctionTimer,
  pipelineOf,
  stateIdentityOf,
  StateLog,
} from '#libs/functions';
import type { JsonObject, JsonValue } from '#libs/kernel';
import { Telemetry } from '#libs/observability';
import { COLLECTIONS } from '#libs/storage';
import type { TimeDefinition } from '#libs/windowing';
import { START_MS, TestEvents, testTime } from './function-test-events.js';
import { DriverOutputs } from './function-test-outputs.js';
import type {
  CrashPoint,
  DriverOutput,
  FunctionTestOptions,
  GivenEvent,
  StoredState,
} from './function-test-options.js';
import { FunctionTestTask } from './function-test-task.js';
import { ManualClock } from './manual-clock.js';

/**
 * Runs a function under virtual time, without a server: the logic that production runs, with its commits. Everything
 * that goes in is committed before the call resolves, and what can be seen is what is committed and delivered.
 */
export class FunctionTestDriver<Input, Output = unknown> {
  readonly clock: ManualClock;
  readonly #time: TimeDefinition;
  readonly #telemetry: Telemetry;
  readonly #outputs = new DriverOutputs();
  readonly #task: FunctionTestTask<FunctionTaskLogic>;
  readonly #events: TestEvents;

  constructor(
    readonly definition: FunctionDefinition<Input, Output>,
    private readonly options: FunctionTestOptions = {},
  ) {
    this.clock = new ManualClock(options.nowMs ?? START_MS);
    this.#telemetry = options.telemetry ?? new Telemetry({ logLevel: 'silent' });
    this.#time = testTime(options.time);
    this.#events = new TestEvents(options, this.clock);
    const stored = options.stored === undefined ? new Map() : migrated(options.stored, definition);
    this.#task = new FunctionTestTask(() => this.#makeLogic(), this.#outputs, stored);
  }

  /** How many commits there have been. */
  get commits(): number {
    return this.#task.commits;
  }

  /** Gives events, all in one message, and processes them. */
  async give(...events: readonly GivenEvent<Input>[]): Promise<void> {
    await this.#task.take(
      this.#events.message(
        { topic: this.definition.input, entry: this.#task.given },
        events.map((event) => this.#events.complete(event)),
      ),
    );
  }

  /** As {@link give}, each event in a message of its own. */
  async giveEach(...events: readonly GivenEvent<Input>[]): Promise<void> {
    for (const event of events) await this.give(event);
  }

  /** The log delivers everything given so far once more. */
  async giveAllAgain(): Promise<void> {
    await this.#task.takeAllAgain();
  }

  /** The watermark of the stream goes on to `timeMs`, as by an event that is not for this function. */
  async advanceEventTime(timeMs: number, stream = this.#events.stream): Promise<void> {
    const reachedMs = timeMs + this.#time.maxOutOfOrdernessMs;
    await this.#task.take((logic) => logic.observeTime(stream, reachedMs));
  }

  /** The wall clock goes on; what falls due is done, in one go. */
  async advanceClock(ms: number): Promise<void> {
    this.clock.advance(ms);
    await this.#task.commit();
  }

  /** Commits again: for what earlier calls have left for later, such as timers set in the past. */
  async settle(): Promise<void> {
    await this.#task.commit();
  }

  /** The process dies at this step of the next commit, once, and another goes on. */
  crashAt(point: CrashPoint): void {
    this.#task.crash = point;
  }

  /** The process dies now, and another goes on from the last commit. */
  restart(): void {
    this.#task.restart();
  }

  /** What went to the output, or to the named topic, in order. */
  outputs<T = Output>(topic = this.definition.output): readonly T[] {
    return this.messages<T>(topic).map(({ data }) => data);
  }

  /** As {@link outputs}, with everything around. */
  messages<T = Output>(topic = this.definition.output): readonly DriverOutput<T>[] {
    return this.#outputs.messages.filter(
      (message) => message.topic === topic,
    ) as unknown as DriverOutput<T>[];
  }

  /** What could not be processed: code, reason, attempts, original, stack … */
  deadLetters(): readonly JsonObject[] {
    return this.#outputs.documents(COLLECTIONS.deadLetters);
  }

  /** The state of a key as committed: by name, maps as `name` → entries. */
  state(key: string, stream = this.#events.stream): Readonly<Record<string, JsonValue>> {
    const found: Record<string, JsonValue> = {};
    for (const [name, value] of this.#named('s/')) {
      const [keyId, cell] = JSON.parse(name) as [string, string];
      if (keyId !== `${stream}\n${key}`) continue;
      const [map = '', entry] = cell.split('\u001f', 2);
      const [content = null] = value as readonly JsonValue[];
      found[map] = entry === undefined ? content : { ...(found[map] as JsonObject), [entry]: content };
    }
    return found;
  }

  /** The timers of a key. */
  timers(key: string, stream = this.#events.stream): readonly FunctionTimer[] {
    return [...this.#task.logic.timers()]
      .filter(([keyId]) => keyId === `${stream}\n${key}`)
      .map(([, timer]) => timer);
  }

  /** Everything that is committed, to be kept as a fixture of this version of the state. */
  stored(): StoredState {
    return { version: this.definition.state?.version ?? 1, cells: Object.fromEntries(this.#task.cells) };
  }

  counter(name: string): number {
    return Number(this.#task.cells.get(`c/${name}`) ?? 0);
  }

  /** The keys that are parked, each with how much of its work waits. */
  parked(): Readonly<Record<string, number>> {
    return Object.fromEntries(
      this.#task.logic.parked().map(([keyId, works]) => [keyId.slice(keyId.indexOf('\n') + 1), works]),
    );
  }

  #makeLogic(): FunctionTaskLogic {
    const { definition, clock } = this;
    const secrets = new Map(Object.entries(this.options.secrets ?? {}));
    return new FunctionTaskLogic({
      definition: definition as unknown as FunctionDefinition,
      pipeline: pipelineOf(definition.input),
      partition: 0,
      partitions: 1,
      time: this.#time,
      topics: (name) => ({ name, partitions: 1 }),
      secrets,
      clock,
      telemetry: this.#telemetry,
      random: () => 0,
    });
  }

  #named(prefix: string): readonly (readonly [string, JsonValue])[] {
    return [...this.#task.cells]
      .filter(([name]) => name.startsWith(prefix))
      .map(([name, value]) => [name.slice(prefix.length), value]);
  }
}

/** As a task reads its commit. @throws StateUnknownError, StateMigrationFailedError */
function migrated(
  { version, cells }: StoredState,
  { name, state }: Pick<FunctionDefinition, 'name' | 'state'>,
): Map<string, JsonValue> {
  const identity = stateIdentityOf(name, state);
  const entries = Object.entries(cells);
  const stored = new StateLog({ ...identity, version }, name).next(entries, () => entries);
  return new StateLog(identity, name).restore(stored === undefined ? [] : [stored]);
}
