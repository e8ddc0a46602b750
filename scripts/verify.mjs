// npm run verify: what CI adds to `npm test`: the same tests with ten times the cases of each property.

import { ensureBuilt } from './compile.mjs';
import { ensureInstalled } from './install.mjs';
import { report, runTests, toTheClosingLine } from './jest.mjs';
import { main } from './workspace.mjs';

const PROPERTY_RUNS = Number(process.env.MILLRACE_TEST_RUNS ?? 2_000);

await main(() =>
  toTheClosingLine(async () => {
    await ensureInstalled();
    await ensureBuilt();
    return report(await runTests(PROPERTY_RUNS));
  }),
);
