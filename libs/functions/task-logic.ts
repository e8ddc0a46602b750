import type { JsonObject, JsonValue } from '#libs/kernel';
import type { Delivery, Frame, OutgoingMessage } from '#libs/messaging';
import type { DocumentWrite, ResultRow } from '#libs/storage';

/** One message as the runtime hands it on: repeats are gone, order is kept. */
export interface TaskInput {
  readonly delivery: Delivery;
  /** Where the input is `messages`: the one event of the message, in a frame without a header of its own. */
  readonly frame: Frame;
  /** Name of the upstream task that numbered the message (`web/local/3`); absent on `raw` and `enriched`, and where nobody numbered it. */
  readonly producer?: string;
}

/**
 * Where a task puts what is to be delivered. Nothing leaves before the commit that holds it; all of it leaves
 * after, in this order: rows, documents, messages.
 */
export interface Outputs {
  /** Bytes that this commit has gathered so far, roughly. */
  readonly bytes: number;
  row(row: ResultRow): void;
  document(write: DocumentWrite): void;
  /** `topic` is a full name, as `topicName` makes it. The runtime numbers the message. */
  message(topic: string, partition: number, message: Omit<OutgoingMessage, 'sequenceId'>): void;
  /** Runs once what was gathered for this commit has been delivered. Lost on a crash: for telemetry and live views. */
  afterDelivery(action: () => void): void;
}

/** Outside facts that a task may act on between messages. What it decides from them becomes part of the commit. */
export interface Moment {
  /** Wall clock, epoch milliseconds. */
  readonly nowMs: number;
  /** What each task of the same stage has committed as its facts, this one included, by partition. */
  readonly siblings: ReadonlyMap<number, JsonObject>;
  /**
   * Full names of the topics of single messages whose partition has been read, and applied, to its end, as of a moment ago.
   * Frames tell that themselves.
   */
  readonly caughtUp?: ReadonlySet<string>;
}

/** How soon a commit is wanted: at the usual pace, soon (a row waits), or at once (an alert waits). */
export type Urgency = 'pace' | 'soon' | 'now';

/** When a run ends. */
export interface RunScope {
  /** Memory is void: wait for nothing. */
  readonly abort: AbortSignal;
  /** Nothing more comes in; what is under way should end soon, and is still committed. */
  readonly drain: AbortSignal;
}

/**
 * What a logic that calls code of users offers, so that a piece of work on which the process dies is found and put
 * aside (crash-guard.ts). Work is named the same on every run.
 */
export interface UserCode {
  /** Names an item of a frame; undefined: no user code is called for it. */
  idOf(item: unknown): string | undefined;
  /** Event time goes on as far as the item tells, before it is applied: what is due by that is run first. */
  observe(item: unknown): void;
  /** Names what is due next beside the input, such as a timer; undefined: nothing is. */
  nextDue(): string | undefined;
  /** Does what {@link nextDue} has named, that alone, to its end. */
  runDue(outputs: Outputs): Promise<void>;
  /** Is there anything under way that {@link TaskLogic.apply} or {@link runDue} has started. */
  readonly isRunning: boolean;
  /** Waits for what {@link TaskLogic.apply} has started; starts nothing that is due. */
  ended(outputs: Outputs): Promise<void>;
  /** In place of {@link TaskLogic.apply}, without calling user code. @param ends unclean ends that it has led to */
  quarantine(
    input: TaskInput,
    item: unknown,
    given: { readonly ends: number; readonly outputs: Outputs },
  ): void;
  /** In place of {@link runDue}. */
  quarantineDue(ends: number, outputs: Outputs): void;
}

/**
 * What a task does with its input. One instance per ownership; calls never overlap. It keeps its state as named
 * cells of JSON and says which changed, so that a commit costs what changed. Given the same inputs and moments
 * it does the same again.
 */
export interface TaskLogic {
  /** Only of logics that call code of users. */
  readonly userCode?: UserCode;
  /** Called before everything else, by a runtime that can tell when the run ends. */
  begin?(run: RunScope): void;
  /** Called once, first. Empty before the first commit of the task. */
  restore(cells: ReadonlyMap<string, JsonValue>): void;
  /** May leave work under way, for {@link settle} to wait for; `outputs` is the same through a whole run. */
  apply(input: TaskInput, outputs: Outputs): void | Promise<void>;
  /** Called a few times a second, also without input. */
  tick?(moment: Moment, outputs: Outputs): void;
  /**
   * Called before every {@link flush}: what {@link apply} has started and not ended has to end now, with its outputs put out.
   * May do more that is due, until `outputs.bytes` reaches `budgetBytes`.
   */
  settle?(outputs: Outputs, budgetBytes: number): Promise<void>;
  /**
   * Called before every commit: puts out what is due. `more`: it stopped because `outputs.bytes` reached
   * `budgetBytes` and wants another commit at the same position before anything else is applied.
   */
  flush(outputs: Outputs, budgetBytes: number): 'done' | 'more';
  /** The cells that changed since the last call; undefined: removed. */
  changes(): Iterable<readonly [name: string, value: JsonValue | undefined]>;
  /** Every cell, for a new base. */
  cells(): Iterable<readonly [name: string, value: JsonValue]>;
  /** What the other tasks of the stage are told with each commit. Small. */
  facts?(): JsonObject;
  urgency?(): Urgency;
  /** Is this input (full name of its topic) to be read on now; asked before each message or batch. Default: it is. */
  wants?(topic: string): boolean;
}
