/** A stream and when something was last written to it, as answers give it. */
export interface StreamView {
  readonly name: string;
  /** ISO 8601; null if it has rows but nobody knows since when. */
  readonly lastWrite: string | null;
}

/** The sample traffic. It writes all the time, so it must not win over the log that somebody has just sent. */
const SAMPLE_STREAM = 'demo';

/** Which streams a pipeline has and when each was last written to. */
export class StreamBoard {
  readonly #lastWriteMs = new Map<string, number>();
  readonly #totals = new Map<string, number>();

  has(stream: string): boolean {
    return this.#lastWriteMs.has(stream);
  }

  /** The stream exists. */
  add(stream: string): void {
    this.touch(stream, 0);
  }

  /** Something was written to it then, epoch milliseconds. An earlier time than the one known changes nothing. */
  touch(stream: string, atMs: number): void {
    this.#lastWriteMs.set(stream, Math.max(this.#lastWriteMs.get(stream) ?? 0, atMs));
  }

  /**
   * How many events the stream has had so far, by what is stored: more than at the last call is a write now.
   *
   * @param changedMs when the store says that it last changed; believed at the first call
   */
  count(
    stream: string,
    { total, changedMs, nowMs }: { total: number; changedMs: number; nowMs: number },
  ): void {
    const former = this.#totals.get(stream);
    this.#totals.set(stream, total);
    if (former === undefined) this.touch(stream, Math.min(changedMs, nowMs));
    else if (total > former) this.touch(stream, nowMs);
  }

  lastWriteMs(stream: string): number | undefined {
    const lastMs = this.#lastWriteMs.get(stream);
    return lastMs === 0 ? undefined : lastMs;
  }

  /** The last one written to first. */
  list(limit = Number.POSITIVE_INFINITY): readonly StreamView[] {
    const newestFirst = [...this.#lastWriteMs].sort(([a, aMs], [b, bMs]) => bMs - aMs || a.localeCompare(b));
    return newestFirst
      .slice(0, limit)
      .map(([name, lastMs]) => ({ name, lastWrite: lastMs === 0 ? null : new Date(lastMs).toISOString() }));
  }

  /** What to show who asks for nothing: the stream written to last; the sample traffic only if there is no other. */
  preferred(): string | undefined {
    const streams = this.list();
    return (streams.find(({ name }) => name !== SAMPLE_STREAM) ?? streams[0])?.name;
  }
}
