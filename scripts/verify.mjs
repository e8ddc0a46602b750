// npm run verify: what CI adds to `npm test`: the suites that try more where there is more time, with ten times the cases of each
// property, and three minutes of chaos. What has no more to try has run in `npm test`.

import { ensureBuilt } from './compile.mjs';
import { growingSpecs } from './growing-specs.mjs';
import { ensureInstalled } from './install.mjs';
import { report, runTests, sumOf, toTheClosingLine } from './jest.mjs';
import { main } from './workspace.mjs';

const PROPERTY_RUNS = Number(process.env.MILLRACE_TEST_RUNS ?? 2_000);
/** A dozen processes under load: nothing runs beside it. */
const ALONE = ['test/chaos/chaos.e2e-spec.ts'];

await main(() =>
  toTheClosingLine(async () => {
    await ensureInstalled();
    await ensureBuilt();
    const most = await runTests(PROPERTY_RUNS, {
      only: growingSpecs().filter((path) => !ALONE.includes(path)),
    });
    return report(sumOf([most, await runTests(PROPERTY_RUNS, { only: ALONE })]));
  }),
);
