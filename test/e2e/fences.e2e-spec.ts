import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { FENCES, type Fence } from '#libs/functions';
import { describeWithPulsar } from '#libs/testing';
import { damageOf, type FenceSchedule, PARTITIONS } from './fence-trial.js';

// For each fence that one accident of real processes can get past: damage without it, none with it.

const RUNS = fc.readConfigureGlobal().numRuns ?? 200;
const eachWhereThereIsTime = RUNS >= 2_000 ? it.each : it.skip.each;
/** Whether enrich has committed between two frames is a matter of moments: one try need not do damage. */
const BY_CHANCE: readonly string[] = RUNS >= 20_000 ? [] : ['covered-check'];

const SCHEDULES: Partial<Record<Fence, FenceSchedule>> = {
  // Enrich dies when frames are stored that no commit knows of: it goes over its input again.
  'covered-check': { dies: 'web/enrich/1@after-frame:2' },
  // The broker stores the deltas of local tasks once more.
  'sequence-filter': {
    comesLate: 'global',
    meanwhile: async (broker) => {
      for (const partition of PARTITIONS) await broker.repeatAll('partials', partition);
    },
  },
  // Before a global task has read anything somebody moves its subscription to the end.
  'position-filter': {
    comesLate: 'global',
    meanwhile: async (broker) => {
      for (const partition of PARTITIONS) await broker.skipAll('partials', partition, 'aggregate');
    },
  },
};

/**
 * What it takes was not to be had of real servers at a chosen moment; test/exactly-once/schedules.spec.ts has these over models of broker
 * and store: a reply that is lost while another owner commits, a delivery that overtakes its commit, an entry that goes as soon as it is
 * acknowledged (Pulsar removes whole ledgers), a broker that forgets its producers when it is told to.
 */
const ONLY_OVER_MODELS: readonly Fence[] = [
  'commit-id',
  'outbox-before-delivery',
  'acknowledge-after-commit',
  'public-tail',
];

describe('the fences', () => {
  it('all have a schedule, over real processes or over models', () => {
    expect([...Object.keys(SCHEDULES), ...ONLY_OVER_MODELS].sort()).toEqual([...FENCES].sort());
  });
});

describeWithPulsar('a fence over a real broker', (addresses) => {
  eachWhereThereIsTime(Object.entries(SCHEDULES).filter(([fence]) => !BY_CHANCE.includes(fence)))(
    '%s holds because it is there [needs the time of npm run verify]',
    async (fence, schedule) => {
      const damage = await damageOf(schedule, addresses, fence);
      process.stderr.write(`without ${fence}: ${damage.join('; ')}\n`);
      expect(damage).not.toEqual([]);
      expect(await damageOf(schedule, addresses, '')).toEqual([]);
    },
    900_000,
  );
});
