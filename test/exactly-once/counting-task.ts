import type { Outputs, TaskInput, TaskLogic } from '#libs/functions';
import type { JsonValue } from '#libs/kernel';

/** Sums numbers by key, and tells each sum that changed, with how many numbers it holds, on a topic. */
export class CountingTask implements TaskLogic {
  readonly #sums = new Map<string, [count: number, sum: number]>();
  readonly #changed = new Set<string>();
  readonly #untold = new Set<string>();

  /** @param onApply called after each message; a test ends the process there */
  constructor(
    private readonly outputTopic: string,
    private readonly onApply: () => void,
  ) {}

  restore(cells: ReadonlyMap<string, JsonValue>): void {
    for (const [key, value] of cells) this.#sums.set(key, value as unknown as [number, number]);
  }

  apply({ frame }: TaskInput): void {
    for (const { key, value } of frame.items as { key: string; value: number }[]) {
      const [count, sum] = this.#sums.get(key) ?? [0, 0];
      this.#sums.set(key, [count + 1, sum + value]);
      this.#changed.add(key);
      this.#untold.add(key);
    }
    this.onApply();
  }

  flush(outputs: Outputs): 'done' {
    for (const key of this.#untold) {
      const [count, sum] = this.#sums.get(key) ?? [0, 0];
      outputs.message(this.outputTopic, 0, { payload: Buffer.from(JSON.stringify({ key, count, sum })) });
      outputs.row({
        pipeline: 'p',
        series: 'sums',
        stream: key,
        key: {},
        windowStartMs: 0,
        windowEndMs: 1,
        measures: { count, sum },
        revision: count,
        task: 0,
      });
    }
    this.#untold.clear();
    return 'done';
  }

  *changes(): Generator<[string, JsonValue]> {
    for (const key of this.#changed) yield [key, this.#sums.get(key) ?? null];
    this.#changed.clear();
  }

  cells(): Iterable<[string, JsonValue]> {
    return this.#sums;
  }

  urgency(): 'soon' | 'pace' {
    return this.#untold.size > 0 ? 'soon' : 'pace';
  }
}
