import { type SeedOutcome, simulateSeed } from './simulator.js';
import type { SimulatedFence } from './simulation.js';

/** What many seeds came to. */
export interface SimulatorReport {
  readonly seeds: number;
  readonly events: number;
  readonly faults: number;
  readonly lost: number;
  readonly doubled: number;
  readonly differing: number;
  readonly failedSeeds: readonly number[];
  readonly faultsByKind: Readonly<Record<string, number>>;
}

/**
 * Runs seed after seed.
 *
 * @param onFailure called for each seed that was damaged
 */
export async function simulateSeeds(
  seeds: Iterable<number>,
  without: readonly SimulatedFence[],
  onFailure: (outcome: SeedOutcome) => void,
): Promise<SimulatorReport> {
  const total = { seeds: 0, events: 0, faults: 0, lost: 0, doubled: 0, differing: 0 };
  const failedSeeds: number[] = [];
  const faultsByKind: Record<string, number> = {};
  for (const seed of seeds) {
    const outcome = await simulateSeed(seed, without);
    total.seeds++;
    total.events += outcome.events;
    total.lost += outcome.lost;
    total.doubled += outcome.doubled;
    total.differing += outcome.differing;
    for (const [kind, count] of outcome.faults) {
      total.faults += count;
      faultsByKind[kind] = (faultsByKind[kind] ?? 0) + count;
    }
    if (outcome.findings.length === 0) continue;
    failedSeeds.push(seed);
    onFailure(outcome);
  }
  return { ...total, failedSeeds, faultsByKind };
}

/** How to see it again, and what was found. */
export function describeFailure(
  { seed, lost, doubled, differing, findings }: SeedOutcome,
  without: readonly SimulatedFence[],
): string {
  const fences = without.map((fence) => ` --without ${fence}`).join('');
  return [
    `seed ${seed}: ${lost} lost, ${doubled} doubled, ${differing} differing`,
    `  again: npm run simulate -- --seed ${seed}${fences}`,
    ...findings.slice(0, MAX_FINDINGS).map((finding) => `  ${finding}`),
  ].join('\n');
}

const MAX_FINDINGS = 12;
