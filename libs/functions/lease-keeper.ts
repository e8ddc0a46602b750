import type { Clock } from '#libs/kernel';
import type { Lease } from '#libs/storage';
import type { RuntimePorts, RuntimeSettings } from './runtime-ports.js';

/** An owner that could not renew stops this long before others may take over. */
const LEASE_MARGIN_MS = 2_000;

/** Renews until `ended`; aborts `lost` when the lease is gone or could not be renewed in time. */
export async function keepRenewed(
  lease: Lease,
  { ports, settings }: { readonly ports: RuntimePorts; readonly settings: RuntimeSettings },
  ended: AbortSignal,
  lost: AbortController,
): Promise<void> {
  const { clock, leases } = ports;
  let renewedMs = clock.monotonicMs();
  while (!ended.aborted) {
    await clock.sleep(settings.leaseRenewMs, ended);
    if (ended.aborted) return;
    const startedMs = clock.monotonicMs();
    const overdueMs = renewedMs + settings.leaseTtlMs - LEASE_MARGIN_MS;
    const renewing = leases.renew(lease, settings.leaseTtlMs).catch(() => undefined);
    const renewed = await answerBefore(overdueMs, renewing, { clock, ended });
    if (renewed === true) renewedMs = startedMs;
    if (renewed === false || (renewed === undefined && clock.monotonicMs() >= overdueMs)) return lost.abort();
  }
}

/** Undefined when time is up: a store that says nothing must not keep an owner from seeing that. */
async function answerBefore<T>(
  dueMs: number,
  answer: Promise<T>,
  { clock, ended }: { readonly clock: Clock; readonly ended: AbortSignal },
): Promise<T | undefined> {
  const answered = new AbortController();
  const leftMs = Math.max(0, dueMs - clock.monotonicMs());
  const timeUp = clock.sleep(leftMs, AbortSignal.any([ended, answered.signal]));
  try {
    return await Promise.race([answer, timeUp.then(() => undefined)]);
  } finally {
    answered.abort();
  }
}
