// The broker and the database of the cluster: those that are named, those that run, or some of our own.

import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { isRunning, stopProcess } from '../servers/server-process.mjs';
import { node24, ROOT, ScriptFailure } from '../workspace.mjs';

const DATABASE = 'millrace-cluster';
const NAMESPACE = 'cluster';

/**
 * Makes sure that there are a broker and a database: MILLRACE_BROKER and MILLRACE_STORE name others than those of
 * `npm run services:up`. What was started here is stopped by `stop`, its data stays for the next time.
 *
 * @returns {Promise<{settings: Record<string, string>, stop: () => Promise<void>}>} settings for every app
 */
export async function startServers(environment, say) {
  const wanted = [
    ...(environment.MILLRACE_BROKER ? [] : ['pulsar']),
    ...(environment.MILLRACE_STORE ? [] : ['mongodb']),
  ];
  const before = wanted.length === 0 ? {} : await services('status', wanted);
  const missing = wanted.filter((name) => before[name].state !== 'up');
  if (missing.length > 0) say(`starting ${missing.join(' and ')} …`);
  const running = missing.length === 0 ? before : await services('up', wanted);
  const settings = {
    MILLRACE_BROKER: environment.MILLRACE_BROKER || running.pulsar.addresses.webSocket,
    MILLRACE_STORE:
      environment.MILLRACE_STORE || running.mongodb.addresses.driver.replace('/?', `/${DATABASE}?`),
    MILLRACE_NAMESPACE: environment.MILLRACE_NAMESPACE || NAMESPACE,
    MILLRACE_APPLY_TOPOLOGY: environment.MILLRACE_APPLY_TOPOLOGY || 'true',
  };
  const pids = missing.flatMap((name) => running[name].pids);
  return { settings, stop: () => stopServers(missing, pids, say) };
}

async function stopServers(names, pids, say) {
  if (pids.length > 0) say(`stopping ${names.join(' and ')}; their data stays in .services`);
  for (const pid of pids) if (isRunning(pid)) await stopProcess(pid);
}

/** In a process group of its own: Ctrl+C must not cut it off between starting a server and noting it. */
function services(command, names) {
  return new Promise((done, fail) => {
    const args = [join(ROOT, 'scripts', 'servers', 'command.mjs'), command, ...names, '--json'];
    const child = execFile(node24(), args, { cwd: ROOT, detached: true }, (error, stdout, stderr) => {
      // `status` ends with 1 where one is down, and says so all the same.
      const line = stdout.trim().split('\n').at(-1) ?? '';
      if (line.startsWith('{') && (command === 'status' || !error)) done(JSON.parse(line));
      else fail(new ScriptFailure(`the servers can't be started:\n${stderr.trim() || error?.message}`));
    });
    child.stderr.pipe(process.stderr);
  });
}
