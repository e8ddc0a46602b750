import type { Clock } from '#libs/kernel';
import { ClockLead } from './clock-lead.js';

/** More than any connection sends in a millisecond. */
const NUMBERS_PER_MS = 1_000;

/** What is sent first over a connection. */
type First = { readonly sequenceId: number | undefined } | undefined;

/**
 * The numbers by which the broker tells repeats among the messages of a name. It counts those of a connection itself, from
 * the number on that is named when the connection is made (`initialSequenceId`). Where none is named it takes the last one
 * that it knows; while it loads a topic that may be one too low, and it drops as repeats what comes under those that it
 * turns out to have (apache/pulsar#25954).
 *
 * N1. A message with a sequence id has it as its number.
 * N2. Messages without one are numbered by the wall clock: above whatever was stored under their name before. Where that was by a
 *     clock ahead of ours, the broker drops them, and we run as far ahead ({@link ClockLead}).
 */
export class ConnectionNumbers {
  readonly #clock: Pick<Clock, 'nowMs'>;
  /** The highest that N2 has given. */
  #highestByClock = -1;
  #isByClock = false;
  #next = 0;

  constructor(
    clock: Pick<Clock, 'nowMs'>,
    private readonly lead = new ClockLead(),
  ) {
    this.#clock = clock;
  }

  /**
   * The number before those of a new connection.
   *
   * @param first undefined: not known yet
   * @param lastSequenceId the last that is stored under the name; −1: none is known
   */
  begin(first: First, lastSequenceId: number): number {
    this.#isByClock = this.#isForClock(first);
    this.#next = this.#isByClock
      ? Math.max((this.#clock.nowMs() + this.lead.leadMs) * NUMBERS_PER_MS, this.#highestByClock) + 1
      : nextOf(first, lastSequenceId);
    return this.#next - 1;
  }

  /** Would a connection that is made now begin with other numbers? */
  hasChanged(first: First, lastSequenceId: number): boolean {
    const isByClock = this.#isForClock(first);
    return isByClock !== this.#isByClock || (!isByClock && nextOf(first, lastSequenceId) !== this.#next);
  }

  /** Gives a message that is sent now its number, if that is the right one for it. */
  take(sequenceId: number | undefined): boolean {
    const isRight = this.#isByClock ? sequenceId === undefined : sequenceId === this.#next;
    if (!isRight) return false;
    if (this.#isByClock) this.#highestByClock = this.#next;
    this.#next += 1;
    return true;
  }

  /** The broker has taken a message of this connection for one that it has. */
  dropped(): void {
    if (this.#isByClock) this.lead.behind();
  }

  #isForClock(first: First): boolean {
    return first === undefined ? this.#isByClock : first.sequenceId === undefined;
  }
}

function nextOf(first: First, lastSequenceId: number): number {
  return first?.sequenceId ?? lastSequenceId + 1;
}
