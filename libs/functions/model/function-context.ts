import type { JsonObject, JsonValue } from '#libs/kernel';
import type { Position } from '#libs/messaging';
import type { Secret } from './secret.js';

/** Until when a cell of state is kept: so long after the event (or moment) that last wrote it. */
export interface TimeToLive {
  /** As people write it, `30m`; see docs/functions.md. */
  readonly ttl: string;
  /** By which time. Default `event`: the watermark of the key's stream. */
  readonly by?: TimeKind;
}

/** Event time: the watermark of the stream. Wall clock: the clock of the machine. */
export type TimeKind = 'event' | 'wall';

/** One JSON value. What `get` gives is frozen: change a copy and `set` it. */
export interface ValueState<T> {
  get(): T | undefined;
  /** @throws FunctionStateTooLargeError */
  set(value: T): void;
  clear(): void;
}

/** JSON values by text. Each entry is stored, and expires, by itself. */
export interface MapState<T> {
  get(entry: string): T | undefined;
  has(entry: string): boolean;
  /** @throws FunctionStateTooLargeError */
  set(entry: string, value: T): void;
  delete(entry: string): void;
  /** In the order in which the entries were first set, as of this moment. */
  entries(): readonly (readonly [entry: string, value: T])[];
  clear(): void;
}

/** A list that is stored as a whole: for few items. */
export interface ListState<T> {
  get(): readonly T[];
  /** @throws FunctionStateTooLargeError */
  append(...items: readonly T[]): void;
  set(items: readonly T[]): void;
  clear(): void;
}

/** State of the stream and key that the call is for. Nobody else sees it; a call that fails has changed nothing. */
export interface KeyedState {
  /** @param name without line breaks; a name is either a value, a map or a list */
  value<T extends JsonValue>(name: string, options?: TimeToLive): ValueState<T>;
  map<T extends JsonValue>(name: string, options?: TimeToLive): MapState<T>;
  list<T extends JsonValue>(name: string, options?: TimeToLive): ListState<T>;
}

/** Durable timers of the stream and key that the call is for, each known by its name. */
export interface Timers {
  /**
   * Calls `onTimer` once the watermark of the stream has reached `dueMs`, and before any event that shows so. Set
   * again, it moves.
   *
   * @throws FunctionTimerInvalidError if there is no `onTimer`, or within `onTimer` if it is not after the timer that fired
   */
  setEventTime(name: string, dueMs: number): void;
  /** Calls `onTimer` once the wall clock has reached `dueMs`, epoch milliseconds. Set again, it moves. */
  setWallClock(name: string, dueMs: number): void;
  cancel(name: string): void;
}

/** A timer that has fired. */
export interface FunctionTimer {
  readonly name: string;
  readonly kind: TimeKind;
  /** When it was due; it may fire later, never earlier. */
  readonly dueMs: number;
}

/** Numbers of the task (one partition of the function), as exact as its state; also in the metrics. */
export interface Counters {
  /** @param by any finite number; default 1 */
  add(name: string, by?: number): void;
  /** As of the message before, with what this call has added. */
  get(name: string): number;
}

/** Where an event came from. For a timer: of nothing, but what `topic` and `partition` say. */
export interface MessageMetadata {
  /** Full name. */
  readonly topic: string;
  readonly partition: number;
  /** Of the message; several events may share one (a frame). Absent for timers. */
  readonly position?: Position;
  readonly key?: string;
  readonly properties: Readonly<Record<string, string>>;
  /** Of the message, epoch milliseconds; where its sender gave one. */
  readonly eventTimeMs?: number;
  readonly publishTimeMs?: number;
}

export interface PublishOptions {
  /** Decides partition and order. Default: the key of the call. */
  readonly key?: string;
  /** Event time, epoch milliseconds. Default: that of the event, or when the timer was due. */
  readonly timeMs?: number;
  readonly properties?: Readonly<Record<string, string>>;
  /** The `ce_type`. Default: the topic, say `web.checkouts`. */
  readonly type?: string;
}

export interface FunctionLogger {
  debug(message: string, fields?: object): void;
  info(message: string, fields?: object): void;
  warn(message: string, fields?: object): void;
  error(message: string, fields?: object): void;
}

/**
 * What one call of a function may know and do. Everything it does becomes part of one commit, together with the
 * position in the input: all of it happens once, or the call is done again as if it had never been. After the call
 * has ended it must not be used.
 */
export interface FunctionContext<Output = unknown, Config extends JsonObject = JsonObject> {
  readonly functionName: string;
  readonly pipeline: string;
  /** The task: one a partition of the input. */
  readonly partition: number;
  readonly partitions: number;
  /** The state's key; what `by` gave. */
  readonly key: string;
  readonly stream: string;
  readonly message: MessageMetadata;
  /** From 1; more where the function has failed on this event before. */
  readonly attempt: number;
  /** No event of the stream below this is on time any more; −∞ before the first. */
  readonly watermarkMs: number;
  /** Wall clock, epoch milliseconds. */
  readonly nowMs: number;
  readonly state: KeyedState;
  readonly timers: Timers;
  readonly counters: Counters;
  readonly config: Config;
  /** @throws FunctionSecretMissingError if the definition does not declare it */
  secret(name: string): Secret;
  /** To the function's output; what the handler returns goes there, too, after what was emitted. */
  emit(output: Output, options?: PublishOptions): void;
  /**
   * To any topic that the definition declares, by its short name (`web.checkouts`).
   *
   * @throws FunctionTopicUndeclaredError, FunctionOutputTooLargeError
   */
  publish(topic: string, data: object, options?: PublishOptions): void;
  readonly logger: FunctionLogger;
  /** A number to be seen in the metrics as `millrace_function_value`; the last one counts. */
  metric(name: string, value: number): void;
  /** Aborts when the call's time is up, and when the task drains or loses its lease: end soon. */
  readonly signal: AbortSignal;
}
