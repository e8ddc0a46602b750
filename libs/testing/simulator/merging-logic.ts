import type { Outputs, TaskInput, TaskLogic, Urgency } from '#libs/functions';
import type { JsonValue } from '#libs/kernel';
import { partitionOf } from '#libs/messaging';
import type { Delta } from './counting-logic.js';
import { PIPELINE, RESULTS, TOTALS_COLLECTION, TOTALS_SERIES } from './simulated-topics.js';

/** What a row of the simulated pipeline measures. */
export interface KeyTotals {
  readonly count: number;
  readonly sum: number;
  /** The count as the state of the local stage says it. */
  readonly total: number;
}

interface KeyState extends KeyTotals {
  /** How many of the key have been told on the public topic. */
  readonly told: number;
}

/**
 * Merges by key. For each key one message for each of its events, 1, 2, 3, …, whatever the commits were; one row and
 * one document, replaced as they grow. Emits in slices: several commits at the same position.
 */
export class MergingLogic implements TaskLogic {
  readonly #keys = new Map<string, KeyState>();
  readonly #changed = new Set<string>();
  readonly #untold = new Set<string>();

  constructor(
    private readonly partition: number,
    private readonly partitions: number,
  ) {}

  restore(cells: ReadonlyMap<string, JsonValue>): void {
    for (const [key, state] of cells) {
      this.#keys.set(key, state as unknown as KeyState);
      if (this.#stateOf(key).told < this.#stateOf(key).count) this.#untold.add(key);
    }
  }

  apply({ frame }: TaskInput): void {
    for (const { key, count, sum, total } of frame.items as Delta[]) {
      const state = this.#stateOf(key);
      this.#keys.set(key, { ...state, count: state.count + count, sum: state.sum + sum, total });
      this.#changed.add(key);
      this.#untold.add(key);
    }
  }

  flush(outputs: Outputs, budgetBytes: number): 'done' | 'more' {
    for (const key of this.#untold) {
      if (!this.#tell(key, outputs, budgetBytes)) return 'more';
      this.#untold.delete(key);
    }
    return 'done';
  }

  *changes(): Generator<[string, JsonValue]> {
    for (const key of this.#changed) yield [key, { ...this.#stateOf(key) }];
    this.#changed.clear();
  }

  *cells(): Generator<[string, JsonValue]> {
    for (const [key, state] of this.#keys) yield [key, { ...state }];
  }

  urgency(): Urgency {
    return this.#untold.size > 0 ? 'soon' : 'pace';
  }

  /** False: the budget was used up first. */
  #tell(key: string, outputs: Outputs, budgetBytes: number): boolean {
    const { count, sum, total, told } = this.#stateOf(key);
    for (let n = told + 1; n <= count; n++) {
      if (outputs.bytes >= budgetBytes) return false;
      const payload = Buffer.from(JSON.stringify({ key, n }));
      outputs.message(RESULTS, partitionOf(`${key}?`, this.partitions), { payload, key });
      this.#keys.set(key, { ...this.#stateOf(key), told: n });
      this.#changed.add(key);
    }
    const measures = { count, sum, total };
    outputs.row({
      pipeline: PIPELINE,
      series: TOTALS_SERIES,
      stream: key,
      key: {},
      windowStartMs: 0,
      windowEndMs: 1,
      measures,
      revision: count,
      task: this.partition,
    });
    outputs.document({ collection: TOTALS_COLLECTION, id: key, timeMs: 0, fields: {}, body: measures });
    return true;
  }

  #stateOf(key: string): KeyState {
    return this.#keys.get(key) ?? { count: 0, sum: 0, total: 0, told: 0 };
  }
}
