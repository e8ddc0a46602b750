const FIRST_LEAD_MS = 60_000;
const MAX_LEAD_MS = 30 * 86_400_000;

/**
 * By how much numbers that are told by the clock run before it, for all producers of a process. Whoever wrote under a name
 * before may have had a clock that is ahead of ours: the broker then takes our messages for repeats of theirs.
 */
export class ClockLead {
  #leadMs = 0;

  /** 0 as long as the broker has taken every message. */
  get leadMs(): number {
    return this.#leadMs;
  }

  /** A message was dropped whose number the clock had told: a minute more, and twice as much at each further one. */
  behind(): void {
    this.#leadMs = Math.min(MAX_LEAD_MS, Math.max(FIRST_LEAD_MS, 2 * this.#leadMs));
  }
}
