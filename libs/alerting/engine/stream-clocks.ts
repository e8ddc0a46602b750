import type { JsonValue } from '#libs/kernel';

/** How far a stream has come at an upstream task, and when that was told. */
interface Told {
  readonly watermarkMs: number;
  /** Wall clock. */
  readonly atMs: number;
}

/** The watermarks of every upstream task and stream. */
export class StreamClocks {
  readonly #told = new Map<string, Told>();
  readonly #changed = new Set<string>();

  constructor(private readonly upstreamTasks: number) {}

  load(source: string, value: JsonValue): void {
    const { watermarkMs, atMs } = value as unknown as Told;
    this.#told.set(source, { watermarkMs: Number(watermarkMs), atMs: Number(atMs) });
  }

  /** −∞ for a task that has not reported the stream. */
  watermarkMs(upstream: number, stream: string): number {
    return this.#told.get(`${upstream}/${stream}`)?.watermarkMs ?? -Infinity;
  }

  /** By all tasks together: −∞ while one has not reported it. */
  leastWatermarkMs(stream: string): number {
    let leastMs = Infinity;
    for (let task = 0; task < this.upstreamTasks; task++)
      leastMs = Math.min(leastMs, this.watermarkMs(task, stream));
    return leastMs;
  }

  /** The watermark never goes back. False: it stays where it was. */
  advance(upstream: number, stream: string, told: Told): boolean {
    if (told.watermarkMs <= this.watermarkMs(upstream, stream)) return false;
    this.#told.set(`${upstream}/${stream}`, told);
    this.#changed.add(`${upstream}/${stream}`);
    return true;
  }

  /** When any stream last went on, and whether one of them was of today then. Undefined: none is known. */
  lastProgress(liveWithinMs: number): { readonly atMs: number; readonly isLive: boolean } | undefined {
    let atMs = -Infinity;
    for (const told of this.#told.values()) atMs = Math.max(atMs, told.atMs);
    if (atMs === -Infinity) return undefined;
    const isLive = [...this.#told.values()].some(({ watermarkMs }) => watermarkMs >= atMs - liveWithinMs);
    return { atMs, isLive };
  }

  *changes(): Iterable<readonly [source: string, value: JsonValue]> {
    const changed = [...this.#changed];
    this.#changed.clear();
    for (const source of changed) yield [source, { ...this.#told.get(source)! }];
  }

  *cells(): Iterable<readonly [source: string, value: JsonValue]> {
    for (const [source, told] of this.#told) yield [source, { ...told }];
  }
}
