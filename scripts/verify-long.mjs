// npm run verify:long: what `npm run verify` has no time for. The tests as there; the suites that know larger counts, with
// these; ten times the seeds of the simulator; 30 minutes of chaos at full load. Takes about two hours.

import { join } from 'node:path';
import { ensureBuilt } from './compile.mjs';
import { ensureInstalled } from './install.mjs';
import { report, runTests, sumOf, toTheClosingLine } from './jest.mjs';
import { DIST, main, runNode } from './workspace.mjs';

const PROPERTY_RUNS = 2_000;
const LONG_RUNS = 20_000;
/** What stands at {@link LONG_RUNS} for more than more cases of a property. */
const LONG_SUITES = [
  'test/e2e/mongodb-faults.e2e-spec.ts',
  'test/e2e/pulsar-broker-kill.e2e-spec.ts',
  'test/e2e/slow-store.e2e-spec.ts',
  'test/chaos/chaos.e2e-spec.ts',
];
const PROGRAMS = [
  {
    name: 'simulator',
    args: [join(DIST, 'libs', 'testing', 'simulator', 'main.js'), '--seeds', String(LONG_RUNS)],
  },
  { name: 'chaos', args: ['scripts/chaos/command.mjs', '--minutes', '30', '--seed', '1'] },
];

await main(() =>
  toTheClosingLine(async () => {
    await ensureInstalled();
    await ensureBuilt();
    const results = [await runTests(PROPERTY_RUNS, { but: LONG_SUITES })];
    for (const suite of LONG_SUITES) results.push(await runTests(LONG_RUNS, { only: [suite] }));
    for (const program of PROGRAMS) results.push(await resultOf(program));
    return report(sumOf(results));
  }),
);

/** A program is one test: it ends with 0 if all is right. */
async function resultOf({ name, args }) {
  const isRight = (await runNode(args)) === 0;
  if (!isRight) console.log(`failed: ${name}`);
  return { passed: isRight ? 1 : 0, failed: isRight ? 0 : 1, skipped: [] };
}
