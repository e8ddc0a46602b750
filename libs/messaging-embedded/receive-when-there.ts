import type { Delivery, ReceiveOptions } from '#libs/messaging';
import type { Clock } from '#libs/kernel';

export interface ReceiveSource {
  readonly clock: Clock;
  /** Aborts when the reader is closed. */
  readonly closing: AbortSignal;
  /** What is there now. */
  readonly take: () => Delivery[];
  /** Calls `wake` once when more may be there; gives how to stop that. */
  readonly onMore: (wake: () => void) => () => void;
}

/** Takes what is there, or waits for the first to come, until the time is over, the signal aborts or it closes. */
export async function receiveWhenThere(
  options: ReceiveOptions,
  source: ReceiveSource,
): Promise<readonly Delivery[]> {
  const { waitMs, signal } = options;
  const deadlineMs = source.clock.monotonicMs() + waitMs;
  for (;;) {
    if (isOver(signal) || isOver(source.closing)) return [];
    const deliveries = source.take();
    const leftMs = deadlineMs - source.clock.monotonicMs();
    if (deliveries.length > 0 || leftMs <= 0) return deliveries;
    await waitForMore(leftMs, signal, source);
  }
}

/** A call, since a signal aborts while others run. */
function isOver(signal: AbortSignal | undefined): boolean {
  return signal?.aborted === true;
}

function waitForMore(leftMs: number, signal: AbortSignal | undefined, source: ReceiveSource): Promise<void> {
  return new Promise((resolve) => {
    const stopListening = source.onMore(finish);
    const cancelTimer = source.clock.after(leftMs, finish);
    signal?.addEventListener('abort', finish, { once: true });
    source.closing.addEventListener('abort', finish, { once: true });
    function finish(): void {
      stopListening();
      cancelTimer();
      signal?.removeEventListener('abort', finish);
      source.closing.removeEventListener('abort', finish);
      resolve();
    }
  });
}
