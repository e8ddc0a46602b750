import type { JsonObject } from '#libs/kernel';
import type {
  Counters,
  FunctionContext,
  FunctionLogger,
  FunctionTimer,
  KeyedState,
  MessageMetadata,
  PublishOptions,
  TimeKind,
  Timers,
} from './function-context.js';
import {
  FunctionCallEndedError,
  FunctionSecretMissingError,
  FunctionTimerInvalidError,
} from './function.errors.js';
import type { FunctionEnvironment } from './function-environment.js';
import { type FunctionWork, idOfWork, timeOfWork } from './function-work.js';
import { keyOf, streamOf } from './key-id.js';
import type { PreparedMessage } from './output-messages.js';
import { StateView } from './state-view.js';

/** What one call is for. */
export interface CallSubject {
  readonly keyId: string;
  readonly work: FunctionWork;
  /** From 1. */
  readonly attempt: number;
  readonly nowMs: number;
}

/**
 * One call of a handler: its context, and what it has done so far. Nothing of that counts before the call has
 * succeeded and the caller takes it over.
 */
export class FunctionCall implements FunctionContext {
  readonly messages: PreparedMessage[] = [];
  readonly timerWrites = new Map<string, FunctionTimer | undefined>();
  readonly counterAdditions = new Map<string, number>();
  readonly metrics = new Map<string, number>();
  readonly stream: string;
  readonly key: string;
  #view: StateView | undefined;
  #hasEnded = false;
  #budget: AbortController | undefined;

  constructor(
    private readonly environment: FunctionEnvironment,
    private readonly subject: CallSubject,
  ) {
    this.stream = streamOf(subject.keyId);
    this.key = keyOf(subject.keyId);
    // A timer that fires is gone, unless its handler sets it again.
    if (subject.work.kind === 'timer') this.timerWrites.set(subject.work.timer.name, undefined);
  }

  get functionName(): string {
    return this.environment.definition.name;
  }
  get pipeline(): string {
    return this.environment.pipeline;
  }
  get partition(): number {
    return this.environment.partition;
  }
  get partitions(): number {
    return this.environment.partitions;
  }
  get config(): JsonObject {
    return this.environment.config;
  }
  get logger(): FunctionLogger {
    return this.environment.logger;
  }
  get attempt(): number {
    return this.subject.attempt;
  }
  get nowMs(): number {
    return this.subject.nowMs;
  }
  get watermarkMs(): number {
    return this.subject.work.watermarkMs ?? -Infinity;
  }

  get message(): MessageMetadata {
    const { work } = this.subject;
    if (work.kind === 'event') return work.message;
    const { inputTopic: topic, partition } = this.environment;
    return { topic, partition, properties: {} };
  }

  get state(): KeyedState {
    return (this.#view ??= this.#openView());
  }

  /** The writes to state; undefined: none. */
  get stateWrites(): StateView['writes'] | undefined {
    return this.#view?.writes;
  }

  get timers(): Timers {
    return {
      setEventTime: (name, dueMs) => this.#setTimer(name, 'event', dueMs),
      setWallClock: (name, dueMs) => this.#setTimer(name, 'wall', dueMs),
      cancel: (name) => {
        this.#check();
        if (
          this.environment.timers.find(this.subject.keyId, name) !== undefined ||
          this.timerWrites.has(name)
        )
          this.timerWrites.set(name, undefined);
      },
    };
  }

  get counters(): Counters {
    return {
      add: (name, by = 1) => this.#addToCounter(name, by),
      get: (name) => this.environment.counters.get(name) + (this.counterAdditions.get(name) ?? 0),
    };
  }

  get signal(): AbortSignal {
    this.#budget ??= new AbortController();
    if (this.#hasEnded) this.#budget.abort();
    return AbortSignal.any([this.#budget.signal, this.environment.signal]);
  }

  secret(name: string): ReturnType<FunctionContext['secret']> {
    const { definition, secrets } = this.environment;
    const found = definition.secrets?.includes(name) === true ? secrets.get(name) : undefined;
    if (found === undefined)
      throw new FunctionSecretMissingError(definition.name, name, 'its definition does not declare it');
    return found;
  }

  emit(output: unknown, options?: PublishOptions): void {
    this.#send(this.environment.definition.output, output, options);
  }

  publish(topic: string, data: object, options?: PublishOptions): void {
    this.#send(topic, data, options);
  }

  metric(name: string, value: number): void {
    this.#check();
    this.metrics.set(name, value);
  }

  /** From now on the call can do nothing any more. */
  end(): void {
    this.#hasEnded = true;
    this.#budget?.abort();
  }

  #check(): void {
    if (this.#hasEnded) throw new FunctionCallEndedError();
  }

  #openView(): StateView {
    const { store, maxStateBytes: maxBytes, definition } = this.environment;
    const { keyId, nowMs, work } = this.subject;
    return new StateView({
      store,
      maxBytes,
      names: definition.state?.names,
      keyId,
      nowMs,
      watermarkMs: this.watermarkMs,
      eventTimeMs: timeOfWork(work),
      check: () => this.#check(),
    });
  }

  #send(topic: string | undefined, data: unknown, options: PublishOptions | undefined): void {
    this.#check();
    const { stream, key } = this;
    const { work } = this.subject;
    const origin = {
      stream,
      key,
      timeMs: timeOfWork(work),
      workId: idOfWork(work, key),
      index: this.messages.length,
    };
    this.messages.push(this.environment.outputs.prepare(topic, data, origin, options));
  }

  #setTimer(name: string, kind: TimeKind, dueMs: number): void {
    this.#check();
    if (this.environment.definition.onTimer === undefined)
      throw new FunctionTimerInvalidError(
        `the timer '${name}' has nobody to call: the function has no onTimer`,
      );
    if (!Number.isSafeInteger(dueMs))
      throw new FunctionTimerInvalidError(
        `the timer '${name}' is due at ${dueMs}, wanted whole milliseconds`,
      );
    const { work } = this.subject;
    // Else it would fire again and again at the same moment.
    if (work.kind === 'timer' && work.timer.kind === kind && dueMs <= work.timer.dueMs)
      throw new FunctionTimerInvalidError(
        `within onTimer the timer '${name}' must be due after ${work.timer.dueMs}, not at ${dueMs}`,
      );
    this.timerWrites.set(name, { name, kind, dueMs });
  }

  #addToCounter(name: string, by: number): void {
    this.#check();
    if (!Number.isFinite(by)) throw new TypeError(`the counter '${name}' can't grow by ${by}`);
    this.counterAdditions.set(name, (this.counterAdditions.get(name) ?? 0) + by);
  }
}
