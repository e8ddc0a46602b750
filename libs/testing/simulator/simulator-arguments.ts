import type { SimulatedFence } from './simulation.js';

export interface SimulatorArguments {
  readonly seeds: readonly number[];
  readonly without: readonly SimulatedFence[];
  readonly isJson: boolean;
}

export const SIMULATED_FENCES: readonly SimulatedFence[] = [
  'epoch-check',
  'commit-id',
  'sequence-filter',
  'position-filter',
  'outbox-before-delivery',
  'acknowledge-after-commit',
  'covered-check',
  'public-tail',
];

const USAGE = `npm run simulate -- [--seeds 200] [--seed N] [--without ${SIMULATED_FENCES.join('|')}] [--json]`;
const DEFAULT_SEEDS = 200;

/**
 * Reads the arguments of `npm run simulate`.
 *
 * @param kept seeds to run besides those that are counted from 1
 * @throws RangeError that says what is wrong and what would be right
 */
export function parseSimulatorArguments(
  args: readonly string[],
  kept: readonly number[],
): SimulatorArguments {
  const rest = [...args];
  const without: SimulatedFence[] = [];
  let count: number | undefined;
  let seed: number | undefined;
  let isJson = false;
  for (let arg = rest.shift(); arg !== undefined; arg = rest.shift()) {
    if (arg === '--json') isJson = true;
    else if (arg === '--seeds') count = wholeNumber(arg, rest.shift());
    else if (arg === '--seed') seed = wholeNumber(arg, rest.shift());
    else if (arg === '--without') without.push(fenceOf(rest.shift()));
    else throw new RangeError(`${arg} is unknown; ${USAGE}`);
  }
  const counted = Array.from({ length: count ?? DEFAULT_SEEDS }, (_, i) => i + 1);
  const seeds = seed !== undefined ? [seed] : [...new Set([...kept, ...counted])];
  return { seeds, without, isJson };
}

function wholeNumber(name: string, text: string | undefined): number {
  if (text === undefined || !/^\d{1,15}$/.test(text))
    throw new RangeError(`${name} wants a whole number; ${USAGE}`);
  return Number(text);
}

function fenceOf(text: string | undefined): SimulatedFence {
  const found = SIMULATED_FENCES.find((fence) => fence === text);
  if (found === undefined) throw new RangeError(`--without wants the name of a fence; ${USAGE}`);
  return found;
}
