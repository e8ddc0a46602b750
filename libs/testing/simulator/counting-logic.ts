import type { Moment, Outputs, TaskInput, TaskLogic, Urgency } from '#libs/functions';
import type { JsonObject, JsonValue } from '#libs/kernel';
import { encodeFrame, partitionOf } from '#libs/messaging';
import { DEAD, PARTIALS } from './simulated-topics.js';
import type { SimulatedEvent } from './workload.js';

/** What the local stage tells about a key with one commit. */
export interface Delta {
  readonly key: string;
  readonly count: number;
  readonly sum: number;
  /** How many events of the key the task has counted since ever: its state, where the others are its changes. */
  readonly total: number;
}

/** Counts by key: deltas to the next stage, by the hash of the key; bad events to a public topic. */
export class CountingLogic implements TaskLogic {
  readonly #totals = new Map<string, number>();
  readonly #changed = new Set<string>();
  readonly #untold = new Map<string, { count: number; sum: number }>();
  #events = 0;

  constructor(private readonly partitions: number) {}

  restore(cells: ReadonlyMap<string, JsonValue>): void {
    for (const [key, total] of cells) this.#totals.set(key, Number(total));
  }

  apply({ frame }: TaskInput, outputs: Outputs): void {
    for (const event of frame.items as SimulatedEvent[]) {
      this.#events++;
      if (event.isBad)
        outputs.message(DEAD, 0, { payload: Buffer.from(JSON.stringify(event)), key: event.key });
      else this.#count(event);
    }
  }

  /** Only looks: so that the clocks and the other tasks are asked. */
  tick(_moment: Moment): void {}

  flush(outputs: Outputs): 'done' {
    const byTarget = new Map<number, string[]>();
    for (const [key, { count, sum }] of this.#untold) {
      const target = partitionOf(`${key}!`, this.partitions);
      const delta: Delta = { key, count, sum, total: this.#totals.get(key) ?? 0 };
      byTarget.set(target, [...(byTarget.get(target) ?? []), JSON.stringify(delta)]);
    }
    for (const [target, lines] of byTarget)
      outputs.message(PARTIALS, target, encodeFrame({ v: 1, kind: 'partials' }, lines));
    this.#untold.clear();
    return 'done';
  }

  *changes(): Generator<[string, JsonValue]> {
    for (const key of this.#changed) yield [key, this.#totals.get(key) ?? 0];
    this.#changed.clear();
  }

  cells(): Iterable<[string, JsonValue]> {
    return this.#totals;
  }

  facts(): JsonObject {
    return { events: this.#events };
  }

  urgency(): Urgency {
    return this.#untold.size > 8 ? 'soon' : 'pace';
  }

  #count({ key, value }: SimulatedEvent): void {
    const untold = this.#untold.get(key) ?? { count: 0, sum: 0 };
    this.#untold.set(key, { count: untold.count + 1, sum: untold.sum + value });
    this.#totals.set(key, (this.#totals.get(key) ?? 0) + 1);
    this.#changed.add(key);
  }
}
