import type { JsonValue, StreamEvent } from '#libs/kernel';
import type { Telemetry } from '#libs/observability';
import type { TimeDefinition } from '#libs/windowing';

/** Where the process dies, once. The input it had not committed is given to the next one. */
export type CrashPoint =
  /** After the events were processed: everything in memory is gone. */
  | 'before-commit'
  /** After the commit: the next run delivers what it holds. */
  | 'after-commit'
  /** After the delivery: the next run delivers the same again, and readers drop it by its number. */
  | 'after-delivery';

/** The state of a function as a commit holds it, parked events, timers and counters included. JSON, to be kept as a fixture. */
export interface StoredState {
  /** `state.version` of the definition that wrote it. */
  readonly version: number;
  readonly cells: Readonly<Record<string, JsonValue>>;
}

export interface FunctionTestOptions {
  /** What an earlier driver's `stored()` gave, perhaps of an older version: it is migrated. Default: no state. */
  readonly stored?: StoredState;
  /** Wall clock at the start, epoch milliseconds. Default 2030-01-01. */
  readonly nowMs?: number;
  /** The stream of events that name none. Default `demo`. */
  readonly stream?: string;
  readonly secrets?: Readonly<Record<string, string>>;
  /** The pipeline's sense of time. Default: no out-of-orderness, no future skew refused. */
  readonly time?: Partial<TimeDefinition>;
  readonly telemetry?: Telemetry;
}

/** An event to give: whatever is not said is made up, a fresh id included. */
export type GivenEvent<Input> = Partial<Omit<StreamEvent<Input>, 'data'>> & { readonly data: Input };

/** An output as a subscriber gets it. */
export interface DriverOutput<Output = unknown> {
  /** Short name, `web.checkouts`. */
  readonly topic: string;
  readonly id: string;
  readonly key: string;
  readonly timeMs: number;
  readonly type: string;
  readonly properties: Readonly<Record<string, string>>;
  readonly data: Output;
}

/** An event that was refused, as a subscriber of `<pipeline>.late` gets it. */
export interface LateEvent<Input = unknown> {
  readonly reason: string;
  /** By how much it was too late, or ahead of its arrival. */
  readonly byMs: number;
  /** The function. */
  readonly series: string;
  /** The window that did not take it any more. */
  readonly window?: { readonly startMs: number; readonly endMs: number };
  readonly event: StreamEvent<Input>;
}
