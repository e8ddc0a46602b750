import type { Clock, JsonValue } from '#libs/kernel';

/** A document a stream and second is what somebody who asks why a window is open needs at most. */
const PACE_MS = 900;

interface StreamUpstream {
  /** By local task; −∞: it has said nothing. */
  readonly watermarksMs: readonly number[];
  readonly sinceMs: readonly number[];
  isChanged: boolean;
  writtenMs: number;
}

/**
 * Since when the watermark of each local task stands where it does, for those who ask why a window is open. It is told
 * beside the progress, decides nothing, and begins anew at a restart.
 */
export class UpstreamTimes {
  readonly #streams = new Map<string, StreamUpstream>();

  constructor(private readonly clock: Clock) {}

  /** @param watermarksMs what each local task has said, in order; −∞: nothing */
  said(stream: string, watermarksMs: readonly number[]): void {
    const before = this.#streams.get(stream);
    const nowMs = this.clock.nowMs();
    const isSame = (task: number): boolean => before?.watermarksMs[task] === watermarksMs[task];
    this.#streams.set(stream, {
      watermarksMs: [...watermarksMs],
      sinceMs: watermarksMs.map((_, task) => (isSame(task) ? before!.sinceMs[task]! : nowMs)),
      isChanged: before?.isChanged === true || !watermarksMs.every((_, task) => isSame(task)),
      writtenMs: before?.writtenMs ?? -Infinity,
    });
  }

  /** The streams that have changed, and were not written within the last second. */
  due(): readonly string[] {
    const nowMs = this.clock.nowMs();
    return [...this.#streams]
      .filter(([, { isChanged, writtenMs }]) => isChanged && nowMs - writtenMs >= PACE_MS)
      .map(([stream]) => stream);
  }

  /** As `libs/windowing/explain.ts` describes it; it is written now. */
  take(stream: string): JsonValue {
    const known = this.#streams.get(stream);
    if (known === undefined) return [];
    known.isChanged = false;
    known.writtenMs = this.clock.nowMs();
    return known.watermarksMs.map((watermarkMs, task) => ({
      task,
      watermarkMs: watermarkMs === -Infinity ? null : watermarkMs,
      sinceMs: known.sinceMs[task]!,
    }));
  }
}
