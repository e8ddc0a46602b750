import { type JsonValue, isJsonObject } from '#libs/kernel';
import type { TimeDefinition } from '../series.js';
import type { StreamProgress } from './stream-progress.js';

/** An idle watermark moves in steps of this: a task with nothing to do must not commit on every tick. */
const IDLE_STEP_MS = 1_000;

/** What a stream may learn at a tick. */
export interface StreamMoment {
  readonly nowMs: number;
  /** Since when the partition has been read to its end; undefined: it is not, or nobody says so. */
  readonly settledSinceMs: number | undefined;
  /** The highest event time that any task has committed for the stream; −∞ if none. */
  readonly committedHighestMs: number;
}

/**
 * The time of one stream in one local task.
 *
 * T1. The watermark never goes back.
 * T2. Only events of the stream, and idleness, move it.
 * T3. While idle it is at most (highest committed by any task − out-of-orderness) plus the wall clock that has
 *     passed since: it neither catches up on the quiet before, nor runs on once an event is there.
 */
export class StreamTime {
  /** −∞ before the first event. */
  highestMs = -Infinity;
  watermarkMs = -Infinity;
  closedUntilMs: number | undefined;
  /** Has a cell to be stored. */
  isDirty = true;
  readonly #time: TimeDefinition;
  #isTouched = true;
  #quietSinceMs = 0;
  #idleFrom: { readonly wallMs: number; readonly watermarkMs: number } | undefined;
  #isAnnounced = false;
  #announcedMs = -Infinity;
  #closedToAnnounce: StreamProgress['closed'];

  constructor(time: TimeDefinition) {
    this.#time = time;
  }

  /** Something of the stream came in: it is not idle. */
  touch(): void {
    this.#isTouched = true;
  }

  /** An event came in that is not from the future. */
  observe(timeMs: number): void {
    this.#isTouched = true;
    if (timeMs <= this.highestMs) return;
    this.highestMs = timeMs;
    this.isDirty = true;
    this.#raise(timeMs - this.#time.maxOutOfOrdernessMs);
  }

  close(closeId: string, untilMs: number): void {
    this.closedUntilMs = Math.max(this.closedUntilMs ?? -Infinity, untilMs);
    this.#closedToAnnounce = { closeId, untilMs };
    this.isDirty = true;
  }

  /** A close was decided that {@link takeProgress} has not told yet. */
  get isCloseWaiting(): boolean {
    return this.#closedToAnnounce !== undefined;
  }

  tick(moment: StreamMoment): void {
    if (this.#isTouched) {
      this.#isTouched = false;
      this.#quietSinceMs = moment.nowMs;
    }
    if (!this.#isIdle(moment)) this.#idleFrom = undefined;
    else this.#advanceIdle(moment.nowMs, moment.committedHighestMs - this.#time.maxOutOfOrdernessMs);
  }

  /** Whether {@link takeProgress} has something to tell. */
  get hasProgress(): boolean {
    return !this.#isAnnounced || this.watermarkMs > this.#announcedMs || this.isCloseWaiting;
  }

  /** What changed since the last call. */
  takeProgress(): StreamProgress {
    const progress: StreamProgress = {
      ...(this.watermarkMs > this.#announcedMs ? { watermarkMs: this.watermarkMs } : {}),
      ...(this.#closedToAnnounce === undefined ? {} : { closed: this.#closedToAnnounce }),
    };
    this.#isAnnounced = true;
    this.#announcedMs = this.watermarkMs;
    this.#closedToAnnounce = undefined;
    this.isDirty = true;
    return progress;
  }

  /** What is needed to go on after a restart. Idleness is not: after a restart it has to show anew. */
  encode(): JsonValue {
    return {
      highestMs: orNull(this.highestMs),
      watermarkMs: orNull(this.watermarkMs),
      announcedMs: this.#isAnnounced ? orNull(this.#announcedMs) : undefined,
      closedUntilMs: this.closedUntilMs,
      closed: this.#closedToAnnounce,
    };
  }

  static decode(json: JsonValue, time: TimeDefinition): StreamTime {
    const cell = isJsonObject(json) ? json : {};
    const stream = new StreamTime(time);
    stream.highestMs = orMinusInfinity(cell['highestMs']);
    stream.watermarkMs = orMinusInfinity(cell['watermarkMs']);
    stream.#isAnnounced = cell['announcedMs'] !== undefined;
    stream.#announcedMs = orMinusInfinity(cell['announcedMs']);
    if (typeof cell['closedUntilMs'] === 'number') stream.closedUntilMs = cell['closedUntilMs'];
    stream.#closedToAnnounce = cell['closed'] as StreamProgress['closed'];
    stream.isDirty = false;
    return stream;
  }

  #isIdle(moment: StreamMoment): boolean {
    if (moment.settledSinceMs === undefined) return false;
    return moment.nowMs - Math.max(moment.settledSinceMs, this.#quietSinceMs) >= this.#time.idleAfterMs;
  }

  #advanceIdle(nowMs: number, committedMs: number): void {
    const from = this.#idleFrom;
    const pacedMs = from === undefined ? this.watermarkMs : from.watermarkMs + nowMs - from.wallMs;
    const targetMs = Math.max(pacedMs, committedMs);
    if (targetMs === -Infinity) return;
    if (from === undefined || committedMs > pacedMs)
      this.#idleFrom = { wallMs: nowMs, watermarkMs: targetMs };
    if (committedMs > pacedMs || targetMs >= this.watermarkMs + IDLE_STEP_MS) this.#raise(targetMs);
  }

  #raise(watermarkMs: number): void {
    if (watermarkMs <= this.watermarkMs) return;
    this.watermarkMs = watermarkMs;
    this.isDirty = true;
  }
}

function orNull(timeMs: number): number | null {
  return timeMs === -Infinity ? null : timeMs;
}

function orMinusInfinity(json: JsonValue | undefined): number {
  return typeof json === 'number' ? json : -Infinity;
}
