import type { Delivery } from '#libs/messaging';
import type { KeyTotals } from './merging-logic.js';
import type { ModelLog } from './model-log.js';
import type { ModelResults } from './model-results.js';
import { DEAD, RESULTS, TOTALS_COLLECTION } from './simulated-topics.js';
import type { ClientRecord, SimulatedEvent } from './workload.js';

// Recounts from what the clients meant to send, in the plainest way, and knows nothing of how the runtime works.

export interface Damage {
  /** Events and messages that should be there and are not. */
  readonly lost: number;
  /** Those that are there more than once. */
  readonly doubled: number;
  /** Rows, documents and orders of messages that are otherwise not as they should be. */
  readonly differing: number;
  /** One line for each thing that is wrong. */
  readonly findings: readonly string[];
}

export class Oracle {
  readonly #totals = new Map<string, KeyTotals>();
  readonly #dead = new Map<string, readonly string[]>();

  constructor(clients: readonly ClientRecord[]) {
    const events = clients.flatMap(({ frames }) => frames.flatMap((frame) => frame.events));
    for (const key of new Set(events.map((event) => event.key))) {
      const ofKey = events.filter((event) => event.key === key);
      const good = ofKey.filter(({ isBad }) => !isBad);
      const sum = good.reduce((total, { value }) => total + value, 0);
      if (good.length > 0) this.#totals.set(key, { count: good.length, sum, total: good.length });
      const bad = ofKey.filter(({ isBad }) => isBad).map(({ id }) => id);
      if (bad.length > 0) this.#dead.set(key, bad);
    }
  }

  damageOf(log: ModelLog, results: ModelResults): Damage {
    const count = new DamageCount();
    for (const [key, wanted] of this.#totals) {
      const row = [...results.rows.values()].find(({ stream }) => stream === key)?.measures;
      count.compareTotals(`row ${key}`, row, wanted);
      const document = results.collection(TOTALS_COLLECTION).get(key)?.document.body;
      count.compareTotals(`document ${key}`, document, wanted);
    }
    const numbers = new Map(
      [...this.#totals].map(([key, { count: n }]) => [
        key,
        Array.from({ length: n }, (_, i) => String(i + 1)),
      ]),
    );
    count.compareMessages(
      'results',
      storedIn(log, RESULTS, ({ n }) => String(n)),
      numbers,
    );
    count.compareMessages(
      'dead',
      storedIn(log, DEAD, ({ id }) => id),
      this.#dead,
    );
    return count;
  }
}

function storedIn(
  log: ModelLog,
  topic: string,
  nameOf: (item: SimulatedEvent) => string,
): Map<string, string[]> {
  const found = new Map<string, string[]>();
  for (const partition of log.partitions().filter((one) => one.topic === topic)) {
    for (const delivery of partition.stored) {
      const item = JSON.parse(textOf(delivery)) as SimulatedEvent;
      found.set(item.key, [...(found.get(item.key) ?? []), nameOf(item)]);
    }
  }
  return found;
}

function textOf({ payload }: Delivery): string {
  return Buffer.from(payload).toString('utf8');
}

class DamageCount implements Damage {
  lost = 0;
  doubled = 0;
  differing = 0;
  readonly findings: string[] = [];

  compareTotals(what: string, found: unknown, wanted: KeyTotals): void {
    const { count, sum, total } = (found ?? { count: 0, sum: 0, total: 0 }) as KeyTotals;
    if (count === wanted.count && sum === wanted.sum && total === wanted.total) return;
    this.findings.push(`${what}: ${JSON.stringify({ count, sum, total })}, wanted ${JSON.stringify(wanted)}`);
    if (count < wanted.count) this.lost += wanted.count - count;
    else if (count > wanted.count) this.doubled += count - wanted.count;
    else this.differing++;
  }

  compareMessages(
    topic: string,
    found: ReadonlyMap<string, readonly string[]>,
    wanted: ReadonlyMap<string, readonly string[]>,
  ): void {
    for (const key of new Set([...found.keys(), ...wanted.keys()])) {
      const there = found.get(key) ?? [];
      const should = wanted.get(key) ?? [];
      if (there.join() === should.join()) continue;
      this.findings.push(`${topic} ${key}: ${there.join()}, wanted ${should.join()}`);
      const distinct = new Set(there);
      const lost = should.filter((name) => !distinct.has(name)).length;
      const doubled = there.length - distinct.size;
      this.lost += lost;
      this.doubled += doubled;
      if (lost + doubled === 0) this.differing++;
    }
  }
}
