import { type Clock, PlatformError } from '#libs/kernel';
import { ClosedError } from '#libs/messaging';
import { DeliveryFencedError } from '#libs/storage';
import { TaskInterruptedError } from './functions.errors.js';

/** Pauses between attempts: doubled each time, up to a bound, with jitter. */
export interface Backoff {
  readonly firstMs: number;
  readonly maxMs: number;
}

/** Infrastructure: quick first, then at most every 5 s, for ever. */
export const INFRASTRUCTURE_BACKOFF: Backoff = { firstMs: 50, maxMs: 5_000 };

/** A task that has ended with an error begins anew: its connections may just have been cut. */
export const REJOIN_BACKOFF: Backoff = { firstMs: 100, maxMs: 10_000 };

/** The pause before attempt `attempt + 1`; half of it is jitter, so that many waiters do not come back at once. */
export function pauseMs(backoff: Backoff, attempt: number, random: () => number): number {
  const full = Math.min(backoff.maxMs, backoff.firstMs * 2 ** Math.min(attempt, 20));
  return full / 2 + (full / 2) * random();
}

/**
 * Does it help to run a task anew: said by PlatformErrors, assumed of what is unknown. What was closed under a task
 * is of no use to it any more, but the next run opens its own. A refused delivery is not to be tried again, but under
 * the next epoch it is another one.
 */
export function isWorthRejoining(error: unknown): boolean {
  if (!(error instanceof PlatformError) || error.retry === 'backoff') return true;
  return error instanceof ClosedError || error instanceof DeliveryFencedError;
}

/**
 * What `running` gives; as soon as `signal` aborts, nothing of it is waited for any more.
 *
 * @throws TaskInterruptedError
 */
export async function unlessAborted<T>(running: Promise<T>, signal: AbortSignal): Promise<T> {
  // Nobody may be listening any more when it fails.
  running.catch(() => undefined);
  let interrupt: () => void = () => undefined;
  const interrupted = new Promise<never>((_, reject) => {
    interrupt = () => reject(new TaskInterruptedError());
    if (signal.aborted) interrupt();
    else signal.addEventListener('abort', interrupt, { once: true });
  });
  try {
    return await Promise.race([running, interrupted]);
  } finally {
    signal.removeEventListener('abort', interrupt);
  }
}

/** The end of a run waits for what it closes, but not for ever: what hangs closes when it can. */
const CLOSING_PATIENCE_MS = 2_000;

/** Waits for something to close, at most 2 s. Never rejects. */
export async function untilClosed(closing: Promise<unknown>, clock: Clock): Promise<void> {
  const closed = new AbortController();
  const settled = closing.then(
    () => undefined,
    () => undefined,
  );
  await Promise.race([settled, clock.sleep(CLOSING_PATIENCE_MS, closed.signal)]);
  closed.abort();
}

/**
 * Calls `action` until it succeeds. Only errors that say `backoff` are tried again; others are thrown on. A call that
 * hangs is given up when `signal` aborts.
 *
 * @throws the last error once `signal` aborts, or TaskInterruptedError
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
      return await unlessAborted(action(), options.signal);
    } catch (error) {
      if (!(error instanceof PlatformError) || error.retry === 'never' || options.signal.aborted) throw error;
      options.onRetry?.(error);
      await options.clock.sleep(pauseMs(INFRASTRUCTURE_BACKOFF, attempt, options.random), options.signal);
    }
  }
}
