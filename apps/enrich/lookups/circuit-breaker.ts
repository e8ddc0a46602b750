import type { Clock } from '#libs/kernel';

/** `closed`: questions go through. `open`: none does. `half-open`: one goes through, to see. */
export type BreakerState = 'closed' | 'half-open' | 'open';

/** So many failures in a row open it. */
const OPENS_AFTER = 5;
const FIRST_PAUSE_MS = 1_000;
const LONGEST_PAUSE_MS = 30_000;

/** Keeps questions from a service that does not answer, so that it costs nobody its timeout each time. */
export class CircuitBreaker {
  #state: BreakerState = 'closed';
  #failures = 0;
  #pauseMs = FIRST_PAUSE_MS;
  #openUntilMs = -Infinity;
  #isTrying = false;

  /** @param onChange called whenever the state changes */
  constructor(
    private readonly clock: Clock,
    private readonly onChange: (state: BreakerState) => void,
  ) {}

  get state(): BreakerState {
    return this.#state;
  }

  /** May a question go out. Whoever is told so says {@link succeeded} or {@link failed} afterwards. */
  mayAsk(): boolean {
    if (this.#state === 'open' && this.clock.monotonicMs() >= this.#openUntilMs) this.#enter('half-open');
    if (this.#state !== 'half-open') return this.#state === 'closed';
    if (this.#isTrying) return false;
    this.#isTrying = true;
    return true;
  }

  succeeded(): void {
    this.#isTrying = false;
    this.#failures = 0;
    this.#pauseMs = FIRST_PAUSE_MS;
    this.#enter('closed');
  }

  failed(): void {
    this.#isTrying = false;
    this.#failures++;
    // What was asked before it opened may fail after; that is no news.
    if (this.#state === 'open' || (this.#state === 'closed' && this.#failures < OPENS_AFTER)) return;
    if (this.#state === 'half-open') this.#pauseMs = Math.min(2 * this.#pauseMs, LONGEST_PAUSE_MS);
    this.#openUntilMs = this.clock.monotonicMs() + this.#pauseMs;
    this.#enter('open');
  }

  #enter(state: BreakerState): void {
    if (state === this.#state) return;
    this.#state = state;
    this.onChange(state);
  }
}
