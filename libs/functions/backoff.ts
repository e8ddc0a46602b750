import { type Clock, PlatformError } from '#libs/kernel';

/** Pauses between attempts: doubled each time, up to a bound, with jitter. */
export interface Backoff {
  readonly firstMs: number;
  readonly maxMs: number;
}

/** Infrastructure: quick first, then at most every 5 s, for ever. */
export const INFRASTRUCTURE_BACKOFF: Backoff = { firstMs: 50, maxMs: 5_000 };

/** The pause before attempt `attempt + 1`; half of it is jitter, so that many waiters do not come back at once. */
export function pauseMs(backoff: Backoff, attempt: number, random: () => number): number {
  const full = Math.min(backoff.maxMs, backoff.firstMs * 2 ** Math.min(attempt, 20));
  return full / 2 + (full / 2) * random();
}

/** Does it help to do the same again: said by PlatformErrors, assumed of what is unknown. */
export function isWorthRetrying(error: unknown): boolean {
  return !(error instanceof PlatformError) || error.retry === 'backoff';
}

/**
 * Calls `action` until it succeeds. Only errors that say `backoff` are tried again; others are thrown on.
 *
 * @throws the last error once `signal` aborts
 */
export async function withBackoff<T>(
  action: () => Promise<T>,
  options: {
    readonly clock: Clock;
    readonly random: () => number;
    readonly signal: AbortSignal;
    readonly onRetry?: (error: unknown) => void;
  },
): Promise<T> {
  for (let attempt = 0; ; attempt++) {
    try {
      return await action();
    } catch (error) {
      if (!(error instanceof PlatformError) || error.retry === 'never' || options.signal.aborted) throw error;
      options.onRetry?.(error);
      await options.clock.sleep(pauseMs(INFRASTRUCTURE_BACKOFF, attempt, options.random), options.signal);
    }
  }
}
