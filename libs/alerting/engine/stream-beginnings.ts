import type { JsonValue } from '#libs/kernel';

/** Where the first window of each stream began, at each upstream task: warm-ups count from there. */
export class StreamBeginnings {
  readonly #beginnings = new Map<string, number>();
  readonly #changed = new Set<string>();

  load(source: string, value: JsonValue): void {
    this.#beginnings.set(source, Number(value));
  }

  note(upstream: number, stream: string, windowStartMs: number): void {
    const source = `${upstream}/${stream}`;
    if (this.#beginnings.has(source)) return;
    this.#beginnings.set(source, windowStartMs);
    this.#changed.add(source);
  }

  of(upstream: number, stream: string): number {
    return this.#beginnings.get(`${upstream}/${stream}`) ?? -Infinity;
  }

  *changes(): Iterable<readonly [source: string, value: JsonValue]> {
    const changed = [...this.#changed];
    this.#changed.clear();
    for (const source of changed) yield [source, this.#beginnings.get(source)!];
  }

  cells(): Iterable<readonly [source: string, value: JsonValue]> {
    return this.#beginnings;
  }
}
