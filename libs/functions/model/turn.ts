import type { TimeKind } from './function-context.js';
import type { DeadReason } from './dead-letters.js';
import type { FunctionCall } from './function-call.js';
import type { EventWork, FunctionWork } from './function-work.js';

/** What a key has to do in one go: nothing else of the key runs meanwhile. */
export type TurnSource =
  /** An event has come; timers that it shows to be due go first. */
  | { readonly kind: 'event'; readonly work: EventWork; readonly refused?: Error }
  /** Timers are due. */
  | { readonly kind: 'timers'; readonly by: TimeKind; readonly untilMs: number }
  /** What is parked is to be tried again. */
  | { readonly kind: 'parked' };

/** What came of one piece of work. */
export type WorkResult =
  | { readonly kind: 'done'; readonly call: FunctionCall }
  | { readonly kind: 'dead'; readonly work: FunctionWork; readonly reason: DeadReason };

/** A turn of a key, and what came of it: put out in the order in which turns were handed in. */
export interface Turn {
  readonly keyId: string;
  readonly source: TurnSource;
  /** Wall clock at its start. */
  readonly nowMs: number;
  readonly watermarkMs: number;
  readonly results: WorkResult[];
  /** Only its first piece of work. */
  readonly isSingle?: true;
  /** Nothing more is to be started. */
  isOver: boolean;
  /** Everything has ended. */
  isDone: boolean;
}
