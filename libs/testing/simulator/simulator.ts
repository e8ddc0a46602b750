import { RandomAccidents } from './random-accidents.js';
import { RandomFaults } from './random-faults.js';
import { SeededRandom } from './seeded-random.js';
import { type SimulatedFence, Simulation } from './simulation.js';
import type { Damage } from './oracle.js';

export interface SeedOutcome extends Damage {
  readonly seed: number;
  readonly events: number;
  readonly faults: ReadonlyMap<string, number>;
  /** Of everything that happened: the same for two runs of a seed. */
  readonly digest: number;
  readonly virtualMs: number;
}

/** One seed in five has a store that delivers rows within its commits; none that is kept for what it found. */
const isDeliveringSeed = (seed: number): boolean => seed % 10 === 1 || seed % 10 === 5;
/** How long accidents happen. */
const ACCIDENTS_MS = 35_000;

/** Runs one seed: everything that happens follows from it. */
export async function simulateSeed(
  seed: number,
  without: readonly SimulatedFence[] = [],
): Promise<SeedOutcome> {
  const random = new SeededRandom(seed);
  const faults = new RandomFaults(random);
  const simulation = new Simulation({
    random,
    faults,
    without,
    hosts: random.int(1, 3),
    clients: 3,
    framesPerClient: random.int(6, 16),
    partitions: 2,
    keptMessages: random.pick([0, 0, 2, 10]),
    deliversResults: isDeliveringSeed(seed),
    settings: {
      commitIntervalMs: random.int(100, 1_000),
      commitGapMs: random.int(10, 200),
      maxCommitEvents: random.int(3, 40),
      maxCommitBytes: random.int(300, 4_000),
      maxUndeliveredCommits: random.int(1, 4),
      tickMs: random.int(300, 1_000),
    },
  });
  new RandomAccidents(simulation, faults, random).planNext(ACCIDENTS_MS);
  const { lost, doubled, differing, findings } = await simulation.run(ACCIDENTS_MS, () => faults.stop());
  const { digest, nowMs } = simulation.world.time;
  const { events } = simulation;
  const outcome = { seed, events, faults: faults.counts, digest, virtualMs: nowMs, lost, doubled, differing };
  return { ...outcome, findings: findings.length === 0 ? [] : [...simulation.problems(), ...findings] };
}
