import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { FENCES } from '#libs/functions';
import { describeWithMongodb, describeWithPulsar } from '#libs/testing';
import { BROKER_SCHEDULES, STORE_SCHEDULES } from './fence-schedules.js';
import { damageOf, type FenceAddresses, type FenceSchedule } from './fence-trial.js';

// For each fence one accident of real processes: damage without it, none with it. test/exactly-once/schedules.spec.ts has
// the same over models of broker and store.

const RUNS = fc.readConfigureGlobal().numRuns ?? 200;
const eachWhereThereIsTime = RUNS >= 2_000 ? it.each : it.skip.each;

describe('the fences', () => {
  it('all have a schedule of real processes', () => {
    const tried = [...Object.keys(BROKER_SCHEDULES), ...Object.keys(STORE_SCHEDULES)];
    expect(tried.sort()).toEqual([...FENCES].sort());
  });
});

describeWithPulsar('a fence over a real broker', (pulsar) => {
  eachWhereThereIsTime(Object.entries(BROKER_SCHEDULES))(
    '%s holds because it is there [needs the time of npm run verify]',
    async (fence, schedule) => expectToHold(fence, schedule, { pulsar }),
    900_000,
  );

  describeWithMongodb('and a real store', ({ driver }) => {
    eachWhereThereIsTime(Object.entries(STORE_SCHEDULES))(
      '%s holds because it is there [needs the time of npm run verify]',
      async (fence, schedule) => expectToHold(fence, schedule, { pulsar, driver }),
      900_000,
    );
  });
});

async function expectToHold(
  fence: string,
  schedule: FenceSchedule,
  addresses: FenceAddresses,
): Promise<void> {
  const [damage, none] = await Promise.all([
    damageOf(schedule, addresses, fence),
    damageOf(schedule, addresses, ''),
  ]);
  process.stderr.write(`without ${fence}: ${damage.join('; ')}\n`);
  expect(damage).not.toEqual([]);
  expect(none).toEqual([]);
}
