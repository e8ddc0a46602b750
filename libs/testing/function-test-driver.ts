import {
  admitCovered,
  type FunctionDefinition,
  FunctionTaskLogic,
  type FunctionTimer,
  pipelineOf,
  stateIdentityOf,
  StateLog,
  type TaskInput,
} from '#libs/functions';
import type { JsonObject, JsonValue, StreamEvent } from '#libs/kernel';
import type { Delivery, Position } from '#libs/messaging';
import { Telemetry } from '#libs/observability';
import { COLLECTIONS } from '#libs/storage';
import type { TimeDefinition } from '#libs/windowing';
import { DriverOutputs } from './function-test-outputs.js';
import type {
  CrashPoint,
  DriverOutput,
  FunctionTestOptions,
  GivenEvent,
  StoredState,
} from './function-test-options.js';
import { ManualClock } from './manual-clock.js';

const START_MS = Date.UTC(2030, 0, 1);
const FOREVER_MS = Number.MAX_SAFE_INTEGER;
const COMMIT_BYTES = 4 * 1024 * 1024;

/**
 * Runs a function under virtual time, without a server: the logic that production runs, with its commits. Everything
 * that goes in is committed before the call resolves, and what can be seen is what is committed and delivered.
 */
export class FunctionTestDriver<Input, Output = unknown> {
  readonly clock: ManualClock;
  /** How many commits there have been. */
  commits = 0;
  readonly #time: TimeDefinition;
  readonly #telemetry: Telemetry;
  readonly #outputs = new DriverOutputs();
  /** The committed state. */
  #cells = new Map<string, JsonValue>();
  #logic!: FunctionTaskLogic;
  #run = new AbortController();
  #crash: CrashPoint | undefined;
  #made = 0;
  /** Everything given so far, and how much of it has been applied and committed. */
  readonly #given: (TaskInput | TimePassed)[] = [];
  #applied = 0;
  #committed = 0;

  constructor(
    readonly definition: FunctionDefinition<Input, Output>,
    private readonly options: FunctionTestOptions = {},
  ) {
    this.clock = new ManualClock(options.nowMs ?? START_MS);
    this.#telemetry = options.telemetry ?? new Telemetry({ logLevel: 'silent' });
    this.#time = {
      maxOutOfOrdernessMs: 0,
      maxFutureSkewMs: FOREVER_MS,
      idleAfterMs: 10_000,
      ...options.time,
    };
    if (options.stored !== undefined) this.#cells = migrated(options.stored, definition);
    this.#start();
  }

  /** Gives events, all in one message, and processes them. */
  async give(...events: readonly GivenEvent<Input>[]): Promise<void> {
    await this.#apply(this.#message(events.map((event) => this.#complete(event))));
  }

  /** As {@link give}, each event in a message of its own. */
  async giveEach(...events: readonly GivenEvent<Input>[]): Promise<void> {
    for (const event of events) await this.give(event);
  }

  /** The log delivers everything given so far once more. */
  async giveAllAgain(): Promise<void> {
    for (const given of [...this.#given]) if ('frame' in given) await this.#apply(given);
  }

  /** The watermark of the stream goes on to `timeMs`, as by an event that is not for this function. */
  async advanceEventTime(timeMs: number, stream = this.#stream): Promise<void> {
    await this.#apply({ stream, timeMs: timeMs + this.#time.maxOutOfOrdernessMs });
  }

  /** The wall clock goes on; what falls due is done, in one go. */
  async advanceClock(ms: number): Promise<void> {
    this.clock.advance(ms);
    await this.#commit();
  }

  /** Commits again: for what earlier calls have left for later, such as timers set in the past. */
  async settle(): Promise<void> {
    await this.#commit();
  }

  /** The process dies at this step of the next commit, once, and another goes on. */
  crashAt(point: CrashPoint): void {
    this.#crash = point;
  }

  /** The process dies now, and another goes on from the last commit. */
  restart(): void {
    this.#start();
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
  state(key: string, stream = this.#stream): Readonly<Record<string, JsonValue>> {
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
  timers(key: string, stream = this.#stream): readonly FunctionTimer[] {
    return [...this.#logic.timers()]
      .filter(([keyId]) => keyId === `${stream}\n${key}`)
      .map(([, timer]) => timer);
  }

  /** Everything that is committed, to be kept as a fixture of this version of the state. */
  stored(): StoredState {
    return { version: this.definition.state?.version ?? 1, cells: Object.fromEntries(this.#cells) };
  }

  counter(name: string): number {
    return Number(this.#cells.get(`c/${name}`) ?? 0);
  }

  /** The keys that are parked, each with how much of its work waits. */
  parked(): Readonly<Record<string, number>> {
    return Object.fromEntries(
      this.#logic.parked().map(([keyId, works]) => [keyId.slice(keyId.indexOf('\n') + 1), works]),
    );
  }

  get #stream(): string {
    return this.options.stream ?? 'demo';
  }

  /** Gives an input to the task, unless it has it, and commits. */
  async #apply(given: TaskInput | TimePassed): Promise<void> {
    if (isRepeat(given, this.#applied)) return;
    if (!this.#given.includes(given)) this.#given.push(given);
    await this.#take(given);
    await this.#commit();
  }

  async #take(given: TaskInput | TimePassed): Promise<void> {
    this.#applied++;
    if ('frame' in given) await this.#logic.apply(given, this.#outputs);
    else this.#logic.observeTime(given.stream, given.timeMs);
  }

  async #commit(): Promise<void> {
    for (let isMore = true; isMore;) {
      await this.#logic.settle(this.#outputs, COMMIT_BYTES);
      isMore = this.#logic.flush(this.#outputs) === 'more';
      if (this.#isCrash('before-commit')) return this.#again();
      for (const [name, value] of this.#logic.changes()) this.#store(name, value);
      this.#committed = this.#applied;
      this.commits++;
      const outbox = this.#outputs.commit();
      if (this.#isCrash('after-commit')) this.#start();
      this.#outputs.deliver(outbox);
      if (!this.#isCrash('after-delivery')) continue;
      this.#start();
      this.#outputs.deliver(outbox);
    }
  }

  /** What the log gives to the next owner: everything that no commit holds. */
  async #again(): Promise<void> {
    this.#start();
    while (this.#applied < this.#given.length) await this.#take(this.#given[this.#applied] as TaskInput);
    await this.#commit();
  }

  #isCrash(point: CrashPoint): boolean {
    if (this.#crash !== point) return false;
    this.#crash = undefined;
    return true;
  }

  /** Another process takes over: all it has is what was committed. */
  #start(): void {
    this.#run.abort();
    this.#run = new AbortController();
    const { definition, clock } = this;
    const secrets = new Map(Object.entries(this.options.secrets ?? {}));
    this.#logic = new FunctionTaskLogic({
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
    this.#outputs.dropUncommitted();
    this.#applied = this.#committed;
    this.#logic.begin({ abort: this.#run.signal, drain: new AbortController().signal });
    this.#logic.restore(new Map(this.#cells));
  }

  #store(name: string, value: JsonValue | undefined): void {
    if (value === undefined) this.#cells.delete(name);
    else this.#cells.set(name, JSON.parse(JSON.stringify(value)) as JsonValue);
  }

  #named(prefix: string): readonly (readonly [string, JsonValue])[] {
    return [...this.#cells]
      .filter(([name]) => name.startsWith(prefix))
      .map(([name, value]) => [name.slice(prefix.length), value]);
  }

  #complete(event: GivenEvent<Input>): StreamEvent<Input> {
    const nowMs = this.clock.nowMs();
    return {
      id: `given-${++this.#made}`,
      stream: this.#stream,
      timeMs: nowMs,
      receivedMs: nowMs,
      type: 'given@1',
      ...event,
    };
  }

  #message(events: readonly StreamEvent<Input>[]): TaskInput {
    const entry = this.#given.length;
    const nowMs = this.clock.nowMs();
    const delivery: Delivery = {
      topic: this.definition.input,
      partition: 0,
      position: at(entry),
      payload: Buffer.alloc(0),
      publishTimeMs: nowMs,
      properties: {},
    };
    const covers = { after: at(entry - 1), upTo: at(entry) };
    return { delivery, frame: { header: { v: 1, kind: 'enriched', covers }, items: events } };
  }
}

/** Event time goes on without an event. */
interface TimePassed {
  readonly stream: string;
  readonly timeMs: number;
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

function at(entry: number): Position {
  return [0, entry, 0, 0];
}

/** As the runtime decides it: by the stretch of input that the message covers. */
function isRepeat(given: TaskInput | TimePassed, applied: number): boolean {
  if (!('frame' in given) || given.frame.header.covers === undefined) return false;
  return admitCovered(at(applied - 1), given.frame.header.covers).kind === 'repeat';
}
