import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ROOT } from './source-files.js';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'millrace-generate-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

function node(...args: readonly string[]): { readonly status: number | null; readonly text: string } {
  const { status, stdout, stderr } = spawnSync(process.execPath, args, { cwd: ROOT, encoding: 'utf8' });
  return { status, text: stdout + stderr };
}

function generate(...args: readonly string[]): { readonly status: number | null; readonly text: string } {
  return node('scripts/generate.mjs', ...args, '--into', folder);
}

describe('npm run generate function', () => {
  it('writes a class, its test, which passes, and its registration', () => {
    expect(generate('function', 'flag-checkout').status).toBe(0);
    expect(generate('function', 'count').status).toBe(0);
    expect(generate('window-function', 'slow-paths').status).toBe(0);
    expect(readdirSync(folder).sort()).toEqual([
      'count.function.ts',
      'count.spec.ts',
      'flag-checkout.function.ts',
      'flag-checkout.spec.ts',
      'functions.module.ts',
      'slow-paths.function.ts',
      'slow-paths.spec.ts',
    ]);
    const registration = readFileSync(join(folder, 'functions.module.ts'), 'utf8');
    expect(registration).toMatch(/providers: \[\s+FlagCheckout,\s+Count,/);
    expect(registration).toContain("import { FlagCheckout } from './flag-checkout.function.js';");
    const modules = `--modulePaths=${join(ROOT, 'node_modules')}`;
    const jest = ['--experimental-vm-modules', 'node_modules/jest/bin/jest.js'];
    const run = node(...jest, `--roots=${folder}`, modules, '--json');
    expect(run.text).toContain('"numPassedTests":3');
    expect(run.status).toBe(0);
  }, 300_000);

  it('overwrites nothing', () => {
    generate('function', 'count');
    expect(generate('function', 'count')).toMatchObject({
      status: 1,
      text: expect.stringContaining('would be overwritten'),
    });
  });

  it.each([[[]], [['class', 'x']], [['function', 'No Good']]])('refuses %j with how to call it', (args) => {
    expect(generate(...args)).toMatchObject({ status: 2, text: expect.stringContaining('npm run generate') });
  });
});
