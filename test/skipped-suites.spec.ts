import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { ROOT, sourceFiles } from './source-files.js';

// Whoever has no server runs `npm test` as well: a suite that needs one must load there, and skip each of its tests.

const NEEDS_SERVER = /\bdescribeWith(?:Pulsar|Mongodb)\(/;
const JEST = join(ROOT, 'node_modules', 'jest', 'bin', 'jest.js');

interface Results {
  readonly numRuntimeErrorTestSuites: number;
  readonly numFailedTests: number;
  readonly numPassedTests: number;
  readonly testResults: readonly { readonly name: string; readonly message: string }[];
}

function runWithoutServers(files: readonly string[]): Results {
  const folder = mkdtempSync(join(tmpdir(), 'millrace-skips-'));
  const outputFile = join(folder, 'results.json');
  try {
    const args = ['--experimental-vm-modules', JEST, '--projects', ROOT];
    const results = ['--json', `--outputFile=${outputFile}`];
    const choice = ['--runInBand', '--testNamePattern', '\\[needs (broker|mongodb)\\]', '--runTestsByPath'];
    // Which servers run is looked up in the folder where the tests are started.
    spawnSync(process.execPath, [...args, ...results, ...choice, ...files], { cwd: folder, stdio: 'ignore' });
    return JSON.parse(readFileSync(outputFile, 'utf8')) as Results;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

describe('where no server runs', () => {
  it('each suite that needs one loads and is skipped', () => {
    const suites = ['libs', 'apps', 'test', 'examples'].flatMap((folder) =>
      sourceFiles(folder, /spec\.ts$/).filter(
        ({ path, text }) => NEEDS_SERVER.test(text) && !path.includes('skipped-suites'),
      ),
    );
    const results = runWithoutServers(suites.map(({ path }) => join(ROOT, path)));

    expect(suites.length).toBeGreaterThan(20);
    expect(results.testResults.map(({ message }) => message).filter((message) => message !== '')).toEqual([]);
    expect(results).toMatchObject({ numRuntimeErrorTestSuites: 0, numFailedTests: 0, numPassedTests: 0 });
  });
});
