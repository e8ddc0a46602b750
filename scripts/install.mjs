// Installs what package-lock.json names, unless it is there already.

import { createHash } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { MODULES, node24, pathOfMachine, ROOT, run, ScriptFailure } from './workspace.mjs';

const LOCK = join(ROOT, 'package-lock.json');
const STAMP = join(MODULES, '.millrace-lock');

/** Makes node_modules what the lock file asks for. Costs a few milliseconds when it is. */
export async function ensureInstalled() {
  const wanted = createHash('sha256').update(readFileSync(LOCK)).digest('hex');
  if (existsSync(STAMP) && readFileSync(STAMP, 'utf8') === wanted && node24() !== undefined) return;
  if (!isInstalledAsLocked()) await install();
  writeFileSync(STAMP, wanted);
}

async function install() {
  console.log('installing packages …');
  // Takes the locked versions and leaves the lock file alone. Not `npm ci`: it refuses a lock file that lacks the
  // optional packages of some other platform, and deletes the Node that may be running this.
  // Development packages too, whatever NODE_ENV says: the build needs the compiler. Errors only: npm run by an
  // older Node warns of every package that will run on the newer one.
  const args = ['install', '--no-save', '--include=dev', '--no-audit', '--no-fund', '--loglevel=error'];
  const exitCode = await run('npm', args, {
    env: { PATH: pathOfMachine() },
    shell: process.platform === 'win32',
  });
  if (exitCode !== 0)
    throw new ScriptFailure(`npm install ended with ${exitCode}; it says why above`, exitCode);
  if (node24() === undefined) {
    throw new ScriptFailure(
      'the package `node` brought no Node 24 for this machine; run the scripts with Node 24 or newer',
    );
  }
}

/** Did someone run `npm install` by hand: npm's own record of what it installed says the same as the lock file. */
function isInstalledAsLocked() {
  const record = join(MODULES, '.package-lock.json');
  if (!existsSync(record) || node24() === undefined) return false;
  const installed = packagesIn(record);
  return Object.entries(packagesIn(LOCK)).every(([place, { version, optional, devOptional }]) => {
    if (place === '') return true;
    const found = installed[place];
    return found === undefined ? optional === true || devOptional === true : found.version === version;
  });
}

function packagesIn(lockFile) {
  return JSON.parse(readFileSync(lockFile, 'utf8')).packages ?? {};
}
