import { RefuseEventError, RetryLaterError } from '#libs/functions';
import { type Measurement, quantileOf } from './measurement.js';
import { KEYS, PoisonRun, type RunFigures } from './poison-key/poison-run.js';

// A function over the real embedded log and store in this process, 4 partitions, a count by key: one key of 1,000 fails at
// 5,000 events a second, in each of the ways in which a handler can. Beside it the worst of five runs in which none does.

const CLEAN_RUNS = 5;
const POISON = `key-${KEYS / 2}`;

const WAYS: Readonly<Record<string, () => never | Promise<never>>> = {
  throws: () => {
    throw new Error('it can not be processed');
  },
  refuses: () => {
    throw new RefuseEventError('it can not be processed');
  },
  parks: () => {
    throw new RetryLaterError('what it needs is away');
  },
  rejects: () => Promise.reject(new RetryLaterError('what it needs is away')),
};

/** p99 of the other keys in milliseconds, from sending to the output; and how many of their counts differ. */
export async function poisonKey(): Promise<readonly Measurement[]> {
  const clean: RunFigures[] = [];
  const poisoned: (readonly [way: string, figures: RunFigures])[] = [];
  // One beside the other, so that what else the machine does meets both.
  for (const [way, fail] of Object.entries(WAYS)) {
    clean.push(await PoisonRun.measure(POISON, undefined));
    poisoned.push([way, await PoisonRun.measure(POISON, fail)]);
  }
  while (clean.length < CLEAN_RUNS) clean.push(await PoisonRun.measure(POISON, undefined));
  const beside = Math.max(...clean.map(p99Of));
  const differing = clean.reduce((sum, run) => sum + run.differing, 0);
  const found: Measurement[] = [
    { name: 'poison-key-clean-p99', value: beside, unit: 'ms', runs: CLEAN_RUNS },
    { name: 'poison-key-clean-differing', value: differing, unit: 'keys', runs: CLEAN_RUNS },
  ];
  for (const [way, run] of poisoned) {
    const value = p99Of(run);
    found.push({ name: `poison-key-${way}-p99`, value, unit: 'ms', beside, ratio: value / beside, runs: 1 });
    found.push({ name: `poison-key-${way}-differing`, value: run.differing, unit: 'keys', runs: 1 });
  }
  return found;
}

function p99Of({ latenciesMs }: RunFigures): number {
  return quantileOf(latenciesMs, 0.99);
}
