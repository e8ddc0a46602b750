// Where things are, and how the scripts run programs. Plain JavaScript for whatever Node (20 or newer) the
// machine has; everything of the project itself runs on the Node 24 that the package `node` brings along.

import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { delimiter, dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

export const ROOT = resolve(dirname(fileURLToPath(import.meta.url)), '..');
export const MODULES = join(ROOT, 'node_modules');
export const DIST = join(ROOT, 'dist');

const WANTED_NODE = 24;
const LOCAL_NODE = join(MODULES, 'node', 'bin', process.platform === 'win32' ? 'node.exe' : 'node');

/** Can this very process run the project. */
export function isWantedNode() {
  return Number(process.versions.node.split('.')[0]) >= WANTED_NODE;
}

/** The program that runs the project; undefined before the install. */
export function node24() {
  if (existsSync(LOCAL_NODE)) return LOCAL_NODE;
  return isWantedNode() ? process.execPath : undefined;
}

/** PATH without the project's own programs: what the machine has by itself. */
export function pathOfMachine() {
  const own = join(MODULES, '.bin');
  return (process.env.PATH ?? '')
    .split(delimiter)
    .filter((folder) => folder !== '' && resolve(folder) !== own)
    .join(delimiter);
}

/** Runs a program to its end, its output to ours. Gives its exit code; 128 + n if signal n ended it. */
export async function run(program, args, { env = {}, shell = false } = {}) {
  const child = spawn(program, args, { cwd: ROOT, stdio: 'inherit', env: { ...process.env, ...env }, shell });
  return exitCodeOf(child);
}

/** Runs a script of the project on Node 24. */
export function runNode(args, options) {
  return run(node24(), args, options);
}

/** Like {@link runNode}, but passes on the signals we get, so that the program decides how it ends. */
export async function runForeground(args) {
  const child = spawn(node24(), args, { stdio: 'inherit' });
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
    process.on(signal, () => {
      // A terminal sends Ctrl-C to the whole group: the program has it already, and a second one means "at once".
      if (signal === 'SIGINT' && process.stdin.isTTY) return;
      child.kill(signal);
    });
  }
  whenLeftBehind(() => child.kill('SIGTERM'));
  return exitCodeOf(child);
}

const LOOK_FOR_PARENT_MS = 250;

/** npm runs a script in a shell, and its signals end that shell alone: who is told to stop leaves the script behind. */
function whenLeftBehind(stop) {
  if (process.env.npm_lifecycle_event === undefined) return;
  const parent = process.ppid;
  const looking = setInterval(() => {
    if (process.ppid === parent) return;
    clearInterval(looking);
    stop();
  }, LOOK_FOR_PARENT_MS);
  looking.unref();
}

const SIGNAL_NUMBERS = { SIGHUP: 1, SIGINT: 2, SIGABRT: 6, SIGKILL: 9, SIGSEGV: 11, SIGTERM: 15 };

function exitCodeOf(child) {
  return new Promise((done, fail) => {
    child.once('error', fail);
    child.once('exit', (code, signal) => done(code ?? 128 + (SIGNAL_NUMBERS[signal] ?? 0)));
  });
}

/** Ends the script with a sentence instead of a stack. */
export class ScriptFailure extends Error {
  constructor(message, exitCode = 1) {
    super(message);
    this.exitCode = exitCode;
  }
}

/** Runs a script's main function; its result is the exit code. */
export async function main(script) {
  try {
    process.exitCode = (await script()) ?? 0;
  } catch (error) {
    if (!(error instanceof ScriptFailure)) throw error;
    console.error(error.message);
    process.exitCode = error.exitCode;
  }
}
