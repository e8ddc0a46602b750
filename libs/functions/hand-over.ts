import type { Clock } from '#libs/kernel';
import { FACTS, type Telemetry } from '#libs/observability';
import type { Lease, LeaseEnd } from '#libs/storage';

/** A task that another process has had, from its end there until it runs here. */
export interface HandOver {
  /** Who had it. */
  readonly from: string;
  readonly reason: LeaseEnd;
  /** Since when nobody runs it, by the monotonic clock. */
  readonly sinceMs: number;
}

/**
 * What a lease says of it, or what is known already: whoever failed before the task ran, and has it again, still takes it
 * over from the one before.
 *
 * @param acquiredMs when it was, by the monotonic clock
 * @param known of an attempt of this process that has failed
 */
export function handOverOf(
  { former }: Lease,
  acquiredMs: number,
  known: HandOver | undefined,
): HandOver | undefined {
  if (former === undefined) return known;
  return { from: former.owner, reason: former.end, sinceMs: acquiredMs - former.idleMs };
}

/** The task runs: tells how long nobody had it. */
export function recordHandOver(
  { task, version: { epoch } }: Lease,
  { from, reason, sinceMs }: HandOver,
  { telemetry, clock }: { readonly telemetry: Telemetry; readonly clock: Clock },
): void {
  const seconds = (clock.monotonicMs() - sinceMs) / 1_000;
  telemetry.record(FACTS.taskTakenOver, { ...task, epoch, reason, from, seconds }, seconds);
}
