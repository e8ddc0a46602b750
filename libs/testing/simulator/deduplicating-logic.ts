import type { CoveringLogic, CoveringOutput } from '#libs/functions';
import type { JsonValue } from '#libs/kernel';
import { decodeFrame, type Delivery } from '#libs/messaging';
import type { SimulatedEvent } from './workload.js';

/** Drops events whose id it has seen: a pure function of its partition, as enrich is. */
export class DeduplicatingLogic implements CoveringLogic {
  readonly #seen = new Set<string>();
  #new: string[] = [];

  restore(cells: ReadonlyMap<string, JsonValue>): void {
    for (const name of cells.keys()) if (name.startsWith('id/')) this.#seen.add(name.slice(3));
  }

  transform(delivery: Delivery): CoveringOutput {
    const { items } = decodeFrame<SimulatedEvent>(delivery.payload, 'raw');
    const lines: string[] = [];
    for (const event of items) {
      if (this.#seen.has(event.id)) continue;
      this.#seen.add(event.id);
      this.#new.push(event.id);
      lines.push(JSON.stringify(event));
    }
    const repeats = items.length - lines.length;
    return { lines, markers: [], dropped: { sim: { duplicate: repeats } }, events: items.length };
  }

  *changes(): Generator<[string, JsonValue]> {
    for (const id of this.#new) yield [`id/${id}`, 1];
    this.#new = [];
  }

  *cells(): Generator<[string, JsonValue]> {
    for (const id of this.#seen) yield [`id/${id}`, 1];
  }
}
