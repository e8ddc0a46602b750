import { isJsonObject, type JsonValue } from '#libs/kernel';
import type { StreamProgress } from '../time/stream-progress.js';

/** Closes of one stream that not all upstream tasks have told yet; beyond it the oldest is forgotten. */
const MAX_PENDING_CLOSES = 100;

interface PendingClose {
  untilMs: number;
  readonly tasks: Set<number>;
}

/**
 * What all upstream tasks have said about one stream.
 *
 * U1. The watermark is the minimum over ALL tasks; one that has not reported counts as −∞. It never goes back.
 * U2. A close counts once all tasks have told it. The one that is told on is the latest so far: ids of closes sort by
 *     the time they were made, and who waits for an earlier one is content with a later one.
 */
export class UpstreamProgress {
  watermarkMs = -Infinity;
  closedUntilMs: number | undefined;
  isDirty = true;
  readonly #reportedMs: number[];
  readonly #pending = new Map<string, PendingClose>();
  #closeId: string | undefined;
  #takenMs = -Infinity;
  #isTaken = false;

  constructor(tasks: number) {
    this.#reportedMs = new Array<number>(tasks).fill(-Infinity);
  }

  /** @throws RangeError for a task that is none of the upstream's */
  advance(task: number, progress: StreamProgress): void {
    const reportedMs = this.#reportedMs[task];
    if (reportedMs === undefined)
      throw new RangeError(`there is no upstream task ${task} of ${this.#reportedMs.length}`);
    if (progress.watermarkMs !== undefined && progress.watermarkMs > reportedMs) {
      this.#reportedMs[task] = progress.watermarkMs;
      this.watermarkMs = Math.max(this.watermarkMs, Math.min(...this.#reportedMs));
      this.isDirty = true;
    }
    if (progress.closed !== undefined) this.#close(task, progress.closed);
  }

  /** What each task has said; −∞: nothing. */
  get reported(): readonly number[] {
    return this.#reportedMs;
  }

  /** What is known now. */
  current(): StreamProgress {
    return {
      ...(this.watermarkMs === -Infinity ? {} : { watermarkMs: this.watermarkMs }),
      ...(this.#closeId === undefined
        ? {}
        : { closed: { closeId: this.#closeId, untilMs: this.closedUntilMs! } }),
    };
  }

  /** Has something changed since {@link take}. */
  get isChanged(): boolean {
    return !this.#isTaken || this.watermarkMs > this.#takenMs;
  }

  /** Is a close done that {@link take} has not told. */
  get isCloseWaiting(): boolean {
    return !this.#isTaken && this.#closeId !== undefined;
  }

  take(): StreamProgress {
    this.#isTaken = true;
    this.#takenMs = this.watermarkMs;
    this.isDirty = true;
    return this.current();
  }

  encode(): JsonValue {
    const pending = [...this.#pending].map(([closeId, { untilMs, tasks }]) => ({
      closeId,
      untilMs,
      tasks: [...tasks],
    }));
    return {
      reportedMs: this.#reportedMs.map((ms) => (ms === -Infinity ? null : ms)),
      closedUntilMs: this.closedUntilMs,
      pending: pending.length === 0 ? undefined : pending,
      closeId: this.#closeId,
      takenMs: this.#isTaken ? (this.#takenMs === -Infinity ? null : this.#takenMs) : undefined,
    };
  }

  static decode(json: JsonValue, tasks: number): UpstreamProgress {
    const cell = (isJsonObject(json) ? json : {}) as StoredProgress;
    const progress = new UpstreamProgress(tasks);
    cell.reportedMs?.forEach((ms, task) => {
      if (task < tasks) progress.#reportedMs[task] = ms ?? -Infinity;
    });
    progress.watermarkMs = Math.min(...progress.#reportedMs);
    progress.closedUntilMs = cell.closedUntilMs;
    progress.#closeId = cell.closeId;
    for (const { closeId, untilMs, tasks: told } of cell.pending ?? []) {
      progress.#pending.set(closeId, { untilMs, tasks: new Set(told) });
    }
    progress.#isTaken = cell.takenMs !== undefined;
    progress.#takenMs = cell.takenMs ?? -Infinity;
    progress.isDirty = false;
    return progress;
  }

  #close(task: number, { closeId, untilMs }: NonNullable<StreamProgress['closed']>): void {
    const pending = this.#pending.get(closeId) ?? { untilMs, tasks: new Set() };
    pending.untilMs = Math.max(pending.untilMs, untilMs);
    pending.tasks.add(task);
    this.#pending.set(closeId, pending);
    this.isDirty = true;
    if (pending.tasks.size === this.#reportedMs.length) this.#closeFully(closeId, pending.untilMs);
    else if (this.#pending.size > MAX_PENDING_CLOSES)
      this.#pending.delete(this.#pending.keys().next().value!);
  }

  #closeFully(closeId: string, untilMs: number): void {
    this.#pending.delete(closeId);
    this.closedUntilMs = Math.max(this.closedUntilMs ?? -Infinity, untilMs);
    if (this.#closeId === undefined || closeId > this.#closeId) this.#closeId = closeId;
    this.#isTaken = false;
  }
}

type StoredProgress = {
  readonly reportedMs?: readonly (number | null)[];
  readonly closedUntilMs?: number;
  readonly pending?: readonly { closeId: string; untilMs: number; tasks: readonly number[] }[];
  readonly closeId?: string;
  readonly takenMs?: number | null;
};
