// Which fault comes when, and whom it meets: the same for the same seed.

import { SeededRandom } from './seeded-random.mjs';

export const FAULT_KINDS = ['kill', 'stop', 'broker', 'primary', 'scale', 'rolling', 'cut', 'slow'];

/** Whom a kind may meet; a kind that meets a server has none. */
const TARGETS = {
  kill: ['aggregate', 'enrich', 'ingest', 'alert'],
  stop: ['aggregate', 'ingest', 'enrich', 'alert'],
  scale: ['aggregate', 'enrich', 'ingest', 'alert'],
  rolling: ['aggregate', 'enrich', 'alert', 'ingest'],
  // Ingest asks the store for next to nothing.
  cut: ['aggregate', 'alert', 'enrich'],
  slow: ['aggregate', 'alert', 'enrich'],
};

/**
 * Faults without an end: rounds that have each kind once, in an order of chance. Who is met goes round, from a start of chance, so
 * that a long run meets everybody with everything.
 *
 * @yields {{kind: string, app?: string, choice: number}} `choice` in [0, 1): which replica, and how it is done
 */
export function* faultPlan(seed, kinds = FAULT_KINDS) {
  const random = new SeededRandom(seed, 'faults');
  const turns = new Map(kinds.map((kind) => [kind, random.between(0, 11)]));
  for (;;) {
    for (const kind of random.shuffled(kinds)) {
      const targets = TARGETS[kind];
      const turn = turns.get(kind);
      turns.set(kind, turn + 1);
      const app = targets === undefined ? {} : { app: targets[turn % targets.length] };
      yield { kind, ...app, choice: random.next() };
    }
  }
}
