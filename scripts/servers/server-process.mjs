// Servers as processes of their own, that outlive the command that started them.

import { execFile, spawn } from 'node:child_process';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { ScriptFailure } from '../workspace.mjs';

const LOOK_EVERY_MS = 100;
const STOP_WITHIN_MS = 20_000;

/** Starts a program, its output appended to `logFile`. Gives its process id. */
export function startProcess(program, args, { logFile, cwd, env = {} }) {
  const log = openSync(logFile, 'a');
  const child = spawn(program, args, {
    cwd,
    detached: true,
    stdio: ['ignore', log, log],
    env: { ...process.env, ...env },
  });
  closeSync(log);
  child.unref();
  return new Promise((done, fail) => {
    child.once('error', (error) => fail(new ScriptFailure(`${program} can't be started: ${error.message}`)));
    child.once('spawn', () => done(child.pid));
  });
}

/** Is there a process of this id that has not ended. */
export function isRunning(pid) {
  try {
    process.kill(pid, 0);
  } catch (error) {
    return error.code === 'EPERM';
  }
  return !isZombie(pid);
}

/** Our own child that has ended but was not waited for yet still takes signals (Linux only; elsewhere: no). */
function isZombie(pid) {
  try {
    return /^\d+ \(.*\) Z/s.test(readFileSync(`/proc/${pid}/stat`, 'utf8'));
  } catch {
    return false;
  }
}

/** Ends a process: with the signal, and with SIGKILL where that takes longer than 20 s. */
export async function stopProcess(pid, signal = 'SIGTERM') {
  if (!isRunning(pid)) return;
  process.kill(pid, signal);
  if (await isTrueWithin(STOP_WITHIN_MS, () => !isRunning(pid))) return;
  process.kill(pid, 'SIGKILL');
  await isTrueWithin(STOP_WITHIN_MS, () => !isRunning(pid));
}

/** Looks until it is so. False when the time is over. */
export async function isTrueWithin(timeoutMs, isSo) {
  for (const end = performance.now() + timeoutMs; ; await sleep(LOOK_EVERY_MS)) {
    if (await isSo()) return true;
    if (performance.now() > end) return false;
  }
}

/** Waits for a server to answer; says why it has not, with the end of its log. */
export async function whenReady({ name, pid, logFile, timeoutMs, isReady }) {
  const isDone = await isTrueWithin(timeoutMs, async () => !isRunning(pid) || (await isReady()));
  if (isDone && isRunning(pid)) return;
  const lines = readFileSync(logFile, 'utf8').trimEnd().split('\n').slice(-15).join('\n');
  const what = isRunning(pid) ? `did not answer within ${timeoutMs / 1000} s` : 'ended at once';
  await stopProcess(pid, 'SIGKILL');
  throw new ScriptFailure(`${name} ${what}; the end of ${logFile}:\n${lines}`);
}

/** The output of a program that is needed; says what to install where it is missing. */
export function outputOf(program, args, { missing, cwd, timeoutMs = 600_000 } = {}) {
  return new Promise((done, fail) => {
    execFile(program, args, { cwd, timeout: timeoutMs, maxBuffer: 2 ** 26 }, (error, stdout, stderr) => {
      if (error?.code === 'ENOENT') fail(new ScriptFailure(missing ?? `there is no ${program} on the PATH`));
      else if (error)
        fail(new ScriptFailure(`${program} ${args.join(' ')} failed:\n${stdout}${stderr}`.trimEnd()));
      else done(`${stdout}${stderr}`);
    });
  });
}
