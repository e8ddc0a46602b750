// Runs the tests and counts them. A test that can't run here says in its title what it lacks: `… [needs chromium]`.

import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { ROOT, runNode, ScriptFailure } from './workspace.mjs';

const JEST = [
  '--experimental-vm-modules',
  '--disable-warning=ExperimentalWarning',
  join('node_modules', 'jest', 'bin', 'jest.js'),
];

/** A machine that is busy with something else must not make a test red; one that hangs is seen after this. */
const TEST_TIMEOUT_MS = 180_000;
/** The same for tests of many cases. */
const LONG_TEST_TIMEOUT_MS = 600_000;
const MANY_RUNS = 1_000;

/** The end-to-end suites wait for processes of their own most of the time: even two cores have room for two. */
const WORKERS = Math.max(2, availableParallelism() - 1);

/** What a title says when its test is skipped. */
const REASON = /\[needs ([^\]]+)\]/g;
/** What `npm run services:up` starts. */
const SERVICES = ['broker', 'mongodb'];
/** With MILLRACE_TEST_NO_SKIPS=true (CI, which installs these itself) lacking one is a failure. */
const PRESENT_IN_CI = ['chromium', ...SERVICES];

/**
 * @param propertyRuns cases of each property test
 * @param choice `only`: these spec files and no others; `but`: all others
 * @returns {Promise<{passed: number, failed: number, skipped: {name: string, reason: string}[]}>}
 */
export async function runTests(propertyRuns, { only = [], but = [] } = {}) {
  const folder = mkdtempSync(join(tmpdir(), 'millrace-tests-'));
  const outputFile = join(folder, 'results.json');
  try {
    const exitCode = await runNode(
      [
        ...JEST,
        `--testTimeout=${propertyRuns < MANY_RUNS ? TEST_TIMEOUT_MS : LONG_TEST_TIMEOUT_MS}`,
        `--maxWorkers=${WORKERS}`,
        '--json',
        `--outputFile=${outputFile}`,
        ...but.flatMap((path) => ['--testPathIgnorePatterns', path]),
        ...(only.length > 0 ? ['--runTestsByPath', ...only] : []),
      ],
      {
        env: { MILLRACE_TEST_RUNS: String(propertyRuns) },
      },
    );
    if (existsSync(outputFile)) return countOf(JSON.parse(readFileSync(outputFile, 'utf8')), exitCode);
    return { passed: 0, failed: 1, skipped: [] };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function countOf(results, exitCode) {
  const skipped = results.testResults.flatMap((file) =>
    file.assertionResults
      .filter(({ status }) => status === 'pending' || status === 'todo' || status === 'skipped')
      .map(({ fullName }) => ({
        name: `${relative(ROOT, file.name)}: ${fullName}`,
        reason: reasonIn(fullName),
      })),
  );
  // A file that does not even load has no tests, and jest's exit code knows of trouble that no test shows.
  const failed = results.numFailedTests + results.numRuntimeErrorTestSuites;
  return { passed: results.numPassedTests, failed: failed === 0 && exitCode !== 0 ? 1 : failed, skipped };
}

/** What is lacking: where a title names several needs, the first that CI does not bring, else the first. */
function reasonIn(title) {
  const needs = [...title.matchAll(REASON)].map(([, need]) => need);
  return needs.find((need) => !PRESENT_IN_CI.includes(need)) ?? needs[0] ?? '';
}

/** What several runs have found together. */
export function sumOf(runs) {
  return {
    passed: runs.reduce((sum, { passed }) => sum + passed, 0),
    failed: runs.reduce((sum, { failed }) => sum + failed, 0),
    skipped: runs.flatMap(({ skipped }) => skipped),
  };
}

/** Like `script`, but ends with the closing line also where it does not get as far as the tests. */
export async function toTheClosingLine(script) {
  try {
    return await script();
  } catch (error) {
    if (!(error instanceof ScriptFailure)) throw error;
    console.error(error.message);
    return report({ passed: 0, failed: 1, skipped: [] });
  }
}

/** Prints skipped tests and the closing line; gives the exit code. */
export function report({ passed, failed, skipped }) {
  const unjustified = skipped.filter(({ reason }) => !isJustified(reason));
  for (const line of skipLines(skipped)) console.log(line);
  if (unjustified.length > 0) {
    console.log(
      `${unjustified.length} skipped without a reason, or for lack of what has to be here: counted as failed`,
    );
  }
  const failures = failed + unjustified.length;
  console.log(`tests: ${passed} passed, ${failures} failed, ${skipped.length - unjustified.length} skipped`);
  return failures > 0 || passed === 0 ? 1 : 0;
}

/** One line for each file and what it lacks. */
function skipLines(skipped) {
  const counts = new Map();
  for (const { name, reason } of skipped) {
    const line = `skipped: ${lackOf(reason)}: ${name.slice(0, name.indexOf(': '))}`;
    counts.set(line, (counts.get(line) ?? 0) + 1);
  }
  return [...counts].map(([line, count]) => `${line} (${count === 1 ? '1 test' : `${count} tests`})`);
}

/** `no broker`, and how to get one where the project brings it. */
function lackOf(reason) {
  if (reason === '') return 'without a reason';
  return `no ${reason}${SERVICES.includes(reason) ? ' (npm run services:up starts one)' : ''}`;
}

function isJustified(reason) {
  return process.env.MILLRACE_TEST_NO_SKIPS !== 'true' || (reason !== '' && !PRESENT_IN_CI.includes(reason));
}
