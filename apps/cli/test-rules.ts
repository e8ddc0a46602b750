import { readFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { runRuleTest } from '#libs/alerting';
import { type AlertTests, parseAlertTests } from '#libs/pipeline';
import { loadPipeline, PipelineFileMissingError } from '#libs/platform';
import { settlingMs } from '#libs/windowing';
import { complaintsOf } from './command-failure.js';
import { EXIT_CODE, type ExitCode } from './exit-code.js';
import type { Terminal } from './terminal.js';

interface Counts {
  passed: number;
  failed: number;
}

/** Runs files of tests of alert rules: a line for each, what differs below it, and how many there were. */
export function testRules(files: readonly string[], terminal: Terminal): ExitCode {
  const counts: Counts = { passed: 0, failed: 0 };
  const areRead = files.map((file) => testFile(file, counts, terminal));
  terminal.out(`rule tests: ${counts.passed} passed, ${counts.failed} failed`);
  return counts.failed === 0 && areRead.every(Boolean) ? EXIT_CODE.done : EXIT_CODE.refused;
}

/** False: the file is wrong. */
function testFile(file: string, counts: Counts, terminal: Terminal): boolean {
  try {
    runAll(file, read(file), { counts, terminal });
    return true;
  } catch (error) {
    for (const line of complaintsOf(error)) terminal.complain(line);
    return false;
  }
}

function read(file: string): AlertTests {
  const path = resolve(file);
  const text = textOf(path);
  const include = (): undefined => undefined;
  return parseAlertTests({ file, text, include }, (name) => loadPipeline(resolve(dirname(path), name)));
}

function textOf(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    throw new PipelineFileMissingError(path, error);
  }
}

function runAll(
  file: string,
  { pipeline, tests }: AlertTests,
  { counts, terminal }: { readonly counts: Counts; readonly terminal: Terminal },
): void {
  const settling = new Map(pipeline.series.map((series) => [series.name, settlingMs(series)]));
  const setup = {
    pipeline: pipeline.name,
    rules: pipeline.alerts,
    policy: pipeline.alertPolicy,
    settlingMs: (series: string) => settling.get(series) ?? 0,
  };
  for (const test of tests) {
    const { differences } = runRuleTest(test, setup);
    const isRight = differences.length === 0;
    counts[isRight ? 'passed' : 'failed']++;
    terminal.out(`${isRight ? 'ok    ' : 'FAILED'} ${file}: ${test.name}`);
    for (const difference of differences) terminal.out(`         ${difference}`);
  }
}
