// The cluster on one machine: servers, apps, and a front that sends requests on as an ingress would.

import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { freePort } from '../servers/free-port.mjs';
import { main, ROOT, ScriptFailure } from '../workspace.mjs';
import { AppProcesses } from './app-processes.mjs';
import { openFront } from './front.mjs';
import { LogView } from './log-view.mjs';
import { startServers } from './servers.mjs';

/** Where each app listens if the port is free; replicas take the ports ten further on. */
const PORTS = { ingest: 3001, enrich: 3002, aggregate: 3003, alert: 3004, dashboard: 3005 };
const PAGE_PORT = 3000;
/** Not one of the apps: a service behind them, as users write them. */
const SUBSCRIBER = { name: 'subscriber', program: join(ROOT, 'scripts/cluster/subscriber.mjs') };
const SUBSCRIBER_PORT = 3006;
const MAX_REPLICAS = 8;
const MAX_PORT = 65_535;
const USAGE = `usage: npm run cluster [-- --replicas N]   (N from 1 to ${MAX_REPLICAS}; settings: docs/configuration.md)`;

await main(async () => {
  const replicas = replicasIn(process.argv.slice(2));
  const port = portOfPage(process.env.MILLRACE_PORT);
  const stop = stopSignal();
  const view = new LogView(process.stdout);
  // The last to be opened is the first to be closed.
  const closers = [];
  let exitCode = 0;
  try {
    const places = await placesFor(replicas, port);
    // Before the servers, which take their time: a port that is taken is told at once.
    const front = await openFront({ port, targets: targetsIn(places) });
    closers.push(() => front.close());
    const servers = await startServers(process.env, (text) => view.say(text));
    closers.push(() => servers.stop());
    if (!stop.aborted) exitCode = await runApps({ places, front, stop, view, settings: servers.settings });
  } finally {
    while (closers.length > 0) await closers.pop()();
  }
  view.say('everything has ended');
  return exitCode;
});

/** Runs until it is told to stop, or an app dies. Gives the exit code. */
async function runApps({ places, front, stop, view, settings }) {
  const apps = new AppProcesses(view);
  view.say(
    `stop and start an app alone with: ${alone(settings)} MILLRACE_PORT=… node dist/apps/<app>/main.js`,
  );
  for (const place of places) apps.start(place, settings);
  apps.start({ ...SUBSCRIBER, port: await freePort(SUBSCRIBER_PORT) }, settings);
  const stopped = new Promise((done) => {
    if (stop.aborted) done('stopped');
    stop.addEventListener('abort', () => done('stopped'), { once: true });
  });
  const ended = Promise.race([stopped, apps.died, apps.allEnded]);
  const whenReady = apps.allReady.then(() => {
    view.say(`Millrace runs: open ${front.url}`);
    const address = front.url.replace('http://', '');
    view.say(`Your own log: curl --data-binary @/var/log/nginx/access.log ${address}/v1/streams/web/logs`);
    view.say('Ctrl+C stops it');
  });
  await Promise.race([whenReady, ended]);
  const why = await ended;
  view.say(why === 'stopped' ? 'stopping …' : `stopping, since ${why}`);
  const isClean = await apps.stopAll();
  return why === 'stopped' && isClean ? 0 : 1;
}

function targetsIn(places) {
  const portsOf = (name) => places.filter(({ app }) => app === name).map(({ port }) => port);
  return { ingest: portsOf('ingest'), dashboard: portsOf('dashboard') };
}

async function placesFor(replicas, pagePort) {
  const taken = new Set([pagePort]);
  const places = [];
  for (let replica = 1; replica <= replicas; replica++)
    for (const [app, wanted] of Object.entries(PORTS)) {
      const name = replicas === 1 ? app : `${app}-${replica}`;
      let port = await freePort(wanted + 10 * (replica - 1));
      while (taken.has(port)) port = await freePort();
      taken.add(port);
      places.push({ name, app, port });
    }
  return places;
}

function alone(settings) {
  return Object.entries(settings)
    .map(([name, value]) => `${name}='${value.replace(/:\/\/[^@/]*@/, '://…@')}'`)
    .join(' ');
}

function replicasIn(args) {
  try {
    const { values } = parseArgs({ args, options: { replicas: { type: 'string', default: '1' } } });
    const replicas = Number(values.replicas);
    if (!Number.isInteger(replicas) || replicas < 1 || replicas > MAX_REPLICAS)
      throw new Error(`--replicas is '${values.replicas}', wanted a number from 1 to ${MAX_REPLICAS}`);
    return replicas;
  } catch (error) {
    throw new ScriptFailure(`${error.message}\n${USAGE}`, 2);
  }
}

function portOfPage(text) {
  if (!text) return PAGE_PORT;
  if (/^\d+$/.test(text) && Number(text) <= MAX_PORT) return Number(text);
  throw new ScriptFailure(`MILLRACE_PORT is '${text}', wanted a port, 0 to ${MAX_PORT}`, 2);
}

function stopSignal() {
  const stop = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => stop.abort());
  return stop.signal;
}
