import type { JsonValue } from '#libs/kernel';
import { type Delivery, PRODUCER_PROPERTY, SEQUENCE_PROPERTY } from '#libs/messaging';

/** A producer is one run of one replica; silent for so long, it has ended and will not repeat itself. */
const FORGET_AFTER_MS = 24 * 3_600_000;
const PREFIX = 'producer/';

/** What a message is to its reader. */
export interface Sighting {
  readonly isRepeat: boolean;
  /** So many numbers of its producer before it never came: the log has lost what it had stored. */
  readonly missing: number;
}

const FIRST_SIGHT: Sighting = { isRepeat: false, missing: 0 };

/**
 * Which numbered messages of `raw` have been seen, by producer. Producers resend until stored, so a number may
 * come twice. Only producers whose name in the broker is the name they give are believed: foreign ones number nothing.
 */
export class ProducerMemory {
  readonly #last = new Map<string, readonly [sequence: number, publishTimeMs: number]>();
  readonly #changed = new Set<string>();

  /** Has this message been seen, and are some missing before it; remembers it as seen. */
  look(delivery: Delivery): Sighting {
    const producer = delivery.properties[PRODUCER_PROPERTY];
    if (producer === undefined || producer !== delivery.producerName) return FIRST_SIGHT;
    const sequence = Number(delivery.properties[SEQUENCE_PROPERTY]);
    const last = this.#last.get(producer);
    if (last !== undefined && sequence <= last[0]) return { isRepeat: true, missing: 0 };
    if (last === undefined) this.#forgetBefore(delivery.publishTimeMs - FORGET_AFTER_MS);
    this.#last.set(producer, [sequence, delivery.publishTimeMs]);
    this.#changed.add(producer);
    return last === undefined ? FIRST_SIGHT : { isRepeat: false, missing: sequence - last[0] - 1 };
  }

  restore(cells: ReadonlyMap<string, JsonValue>): void {
    for (const [name, value] of cells) {
      if (name.startsWith(PREFIX))
        this.#last.set(name.slice(PREFIX.length), value as unknown as [number, number]);
    }
  }

  *changes(): Generator<[string, JsonValue | undefined]> {
    for (const producer of this.#changed) yield [PREFIX + producer, this.#last.get(producer)];
    this.#changed.clear();
  }

  *cells(): Generator<[string, JsonValue]> {
    for (const [producer, last] of this.#last) yield [PREFIX + producer, last];
  }

  #forgetBefore(timeMs: number): void {
    for (const [producer, [, publishTimeMs]] of this.#last) {
      if (publishTimeMs >= timeMs) continue;
      this.#last.delete(producer);
      this.#changed.add(producer);
    }
  }
}
