import { PlatformError, type RetryAdvice } from '#libs/kernel';
import type { SimulatedProcess } from './simulated-process.js';

/** What a process asks of a model. */
export type CallKind =
  | 'acquire'
  | 'renew'
  | 'release'
  | 'attend'
  | 'leave'
  | 'roster'
  | 'load'
  | 'facts'
  | 'commit'
  | 'deliver'
  | 'query'
  | 'open-producer'
  | 'open-consumer'
  | 'open-reader'
  | 'send'
  | 'receive'
  | 'read'
  | 'acknowledge'
  | 'seek'
  | 'look'
  | 'close';

export interface Call {
  readonly kind: CallKind;
  /** The task, or `topic|partition`. */
  readonly target: string;
}

/** What goes wrong with one call. */
export type CallFault =
  | { readonly kind: 'none' }
  /** An error; nothing has happened. */
  | { readonly kind: 'refused' }
  /** It happened, and the caller gets an error, after so long. */
  | { readonly kind: 'reply-lost'; readonly afterMs: number }
  /** The caller gets an error, and it happens so much later. */
  | { readonly kind: 'late'; readonly byMs: number }
  | { readonly kind: 'slow'; readonly byMs: number }
  /** A part of it happens, and the caller gets an error. */
  | { readonly kind: 'partial'; readonly share: number }
  /** The process dies: before the call leaves, when it has left, or when the reply has come. */
  | { readonly kind: 'crash'; readonly when: 'before' | 'in-flight' | 'after' }
  /** The process stands still once the call has left; `isCut`: the broker notices and drops its connection. */
  | { readonly kind: 'pause'; readonly forMs: number; readonly isCut: boolean };

/** Decides what goes wrong, and when. */
export interface FaultPlan {
  onCall(process: SimulatedProcess, call: Call): CallFault;
  /** How long one leg of a call takes. */
  latencyMs(): number;
  /** How far from its place the cursor of a subscription stands when a consumer opens, in messages. */
  cursorSkew(): number;
  /** How many messages a consumer gets again with its next receive: its connection was renewed. */
  rewind(): number;
}

export const NO_FAULT: CallFault = { kind: 'none' };

/** Everything at once and without an accident. */
export const NO_FAULTS: FaultPlan = {
  onCall: () => NO_FAULT,
  latencyMs: () => 0,
  cursorSkew: () => 0,
  rewind: () => 0,
};

const FAULT_CODE = 'SIMULATED';

/** What a model answers where a fault was planned. */
export class SimulatedFaultError extends PlatformError {
  readonly code: string = FAULT_CODE;
  readonly retry: RetryAdvice = 'backoff';
  constructor({ kind, target }: Call, fault: CallFault['kind']) {
    super(`${kind} of ${target}: ${fault}`, { context: { kind, target, fault } });
  }
}
