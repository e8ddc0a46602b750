import type { Clock } from '#libs/kernel';
import type { RuntimeSettings } from './runtime-ports.js';
import type { Urgency } from './task-logic.js';

/** What is there to be committed. */
export interface CommitNeed {
  readonly urgency: Urgency;
  /** Positions, state or outputs have changed, or a delivery has to be noted. */
  readonly isAnything: boolean;
}

/** When a task commits next: by what is in memory and how long ago the last commit was. */
export class CommitPace {
  #events = 0;
  #lastCommitMs = -Infinity;
  #lastTickMs = -Infinity;

  constructor(
    private readonly clock: Clock,
    private readonly settings: RuntimeSettings,
  ) {}

  /** Applied since the last commit. */
  get events(): number {
    return this.#events;
  }

  /** Events were applied. */
  count(events: number): void {
    this.#events += events;
  }

  committed(): void {
    this.#events = 0;
    this.#lastCommitMs = this.clock.monotonicMs();
  }

  ticked(): void {
    this.#lastTickMs = this.clock.monotonicMs();
  }

  get isTickDue(): boolean {
    return this.clock.monotonicMs() - this.#lastTickMs >= this.settings.tickMs;
  }

  /** @param bytes of outputs that wait */
  isFull(bytes: number): boolean {
    return this.#events >= this.settings.maxCommitEvents || bytes >= this.settings.maxCommitBytes;
  }

  isCommitDue(need: CommitNeed): boolean {
    const delayMs = this.#delayMs(need);
    return delayMs !== undefined && this.clock.monotonicMs() - this.#lastCommitMs >= delayMs;
  }

  /** Until a commit or a tick is due, and at most a tick. */
  msUntilDue(need: CommitNeed, isTicking: boolean): number {
    const nowMs = this.clock.monotonicMs();
    const { tickMs } = this.settings;
    const delayMs = this.#delayMs(need);
    const tickInMs = isTicking ? this.#lastTickMs + tickMs - nowMs : tickMs;
    const commitInMs = delayMs === undefined ? tickMs : this.#lastCommitMs + delayMs - nowMs;
    return Math.max(0, Math.min(tickInMs, commitInMs, tickMs));
  }

  /** From the last commit to the next; undefined: nothing to commit. */
  #delayMs({ urgency, isAnything }: CommitNeed): number | undefined {
    if (urgency === 'now') return 0;
    if (urgency === 'soon') return this.settings.commitGapMs;
    return isAnything ? this.settings.commitIntervalMs : undefined;
  }
}
