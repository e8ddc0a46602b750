// npm test: installs and builds if needed; lint, format, types, and every test that needs no server.

import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { ensureBuilt } from './compile.mjs';
import { ensureInstalled } from './install.mjs';
import { report, runTests, toTheClosingLine } from './jest.mjs';
import { main, ROOT, runNode } from './workspace.mjs';

const PROPERTY_RUNS = Number(process.env.MILLRACE_TEST_RUNS ?? 200);
const PAGE_TYPES = join('apps', 'dashboard', 'page', 'tsconfig.json');

const program = (...path) => join('node_modules', ...path);
const CHECKS = [
  {
    name: 'format',
    args: [program('prettier', 'bin', 'prettier.cjs'), '--check', '--log-level', 'warn', '.'],
  },
  { name: 'types', args: [program('typescript', 'bin', 'tsc'), '-p', 'tsconfig.json', '--noEmit'] },
  {
    name: 'types of the page',
    args: [program('typescript', 'bin', 'tsc'), '-p', PAGE_TYPES],
    needs: PAGE_TYPES,
  },
  { name: 'lint', args: [program('eslint', 'bin', 'eslint.js'), '.', '--max-warnings', '0'] },
];

await main(() =>
  toTheClosingLine(async () => {
    await ensureInstalled();
    await ensureBuilt();
    const failedChecks = await runChecks();
    const results = await runTests(PROPERTY_RUNS);
    for (const name of failedChecks) console.log(`failed: ${name}`);
    return report({ ...results, failed: results.failed + failedChecks.length });
  }),
);

/** Gives the names of those that have failed. */
async function runChecks() {
  // Two at a time: the linter takes as long as the others together.
  const lint = check(CHECKS.at(-1));
  const failed = [];
  for (const each of CHECKS.slice(0, -1)) failed.push(await check(each));
  failed.push(await lint);
  return failed.filter((name) => name !== undefined);
}

/** Gives the name of the check if it has failed. */
async function check({ name, args, needs }) {
  if (needs !== undefined && !existsSync(join(ROOT, needs))) return undefined;
  return (await runNode(args)) === 0 ? undefined : name;
}
