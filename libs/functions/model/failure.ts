import { PlatformError } from '#libs/kernel';
import { SkipEventError, StopFunctionError } from './function.errors.js';

/** What becomes of an event (or timer) on which a handler has failed. */
export type FailureAction =
  /** Try again at once, at most `retries` times in all; then a dead letter. */
  | { readonly kind: 'retry'; readonly retries: number }
  /** Keep it, and what follows for its key, in committed state; try again after pauses. Other keys go on. */
  | { readonly kind: 'park' }
  | { readonly kind: 'dead-letter' }
  /** Pass over it: counted, not kept. */
  | { readonly kind: 'skip' }
  /** The task stops before it; what came before is committed. */
  | { readonly kind: 'stop' };

/** Maps errors of others to what is to be done; undefined: the default decides. */
export type FailureRules = (error: Error) => FailureAction | undefined;

/** How often an unknown error is tried again in place. */
export const DEFAULT_RETRIES = 3;

/**
 * What to do after a failure. The user's rules first; then the class of the error: {@link SkipEventError} skips,
 * {@link StopFunctionError} stops, an error that says `retry: 'backoff'` parks, one that says `never` is a dead letter
 * at once; anything else is tried again in place three times, then a dead letter.
 *
 * @param attempts how often the handler has failed on this event by now, this time included
 */
export function decideFailure(
  error: Error,
  attempts: number,
  rules?: FailureRules,
): Exclude<FailureAction, { kind: 'retry' }> | { readonly kind: 'retry' } {
  const action = rules?.(error) ?? defaultAction(error);
  if (action.kind !== 'retry') return action;
  return attempts <= action.retries ? { kind: 'retry' } : { kind: 'dead-letter' };
}

function defaultAction(error: Error): FailureAction {
  if (error instanceof SkipEventError) return { kind: 'skip' };
  if (error instanceof StopFunctionError) return { kind: 'stop' };
  const advice = 'retry' in error ? error.retry : undefined;
  if (advice === 'backoff') return { kind: 'park' };
  if (advice === 'never') return { kind: 'dead-letter' };
  return { kind: 'retry', retries: DEFAULT_RETRIES };
}

/** The stable code of whatever a handler threw. */
export function codeOf(error: Error): string {
  if (error instanceof PlatformError) return error.code;
  const code = 'code' in error ? error.code : undefined;
  return typeof code === 'string' && /^[A-Z][A-Z0-9_]{2,60}$/.test(code) ? code : 'FUNCTION_FAILED';
}
