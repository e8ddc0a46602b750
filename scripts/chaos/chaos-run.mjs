// One run: servers, apps, load, faults, one after the other, recount.

import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { ROOT, ScriptFailure } from '../workspace.mjs';
import { collectResults } from './collect-results.mjs';
import { faultPlan } from './fault-plan.mjs';
import { inflict, USUAL_REPLICAS } from './faults.mjs';
import { Fleet } from './fleet.mjs';
import { startOwnServers } from './own-servers.mjs';
import { ResultsWatch } from './results-watch.mjs';
import { Sender } from './sender.mjs';
import { Traffic } from './traffic.mjs';

const PIPELINE = 'chaos';
const STREAM = 'shop';
const SERIES = ['by_host', 'by_path', 'sessions'];
const NAMESPACE = 'default';
const DATABASE = 'chaos';
const APPS = ['enrich', 'aggregate', 'alert', 'ingest'];
/** As test/chaos/pipeline.yaml has it. */
const OUT_OF_ORDER_MS = 26_000;
/** So much further behind is usual: commits, deliveries, a busy machine. */
const USUAL_DELAY_MS = 6_000;
/** No pattern alert begins so near to the end that its end is not told. */
const WITHOUT_INCIDENTS_MS = 40_000;
const RECOVERS_WITHIN_MS = 600_000;
const CLOSES_WITHIN_MS = 600_000;

/** @param options of {@link readArguments}; @param context `say` and `signal` @returns the report */
export async function runChaos(options, context) {
  const folder = mkdtempSync(join(tmpdir(), 'millrace-chaos-'));
  const closers = [];
  const end = new AbortController();
  context.signal.addEventListener('abort', () => end.abort(), { once: true });
  let isRight = false;
  try {
    const report = await run({ ...options, ...context, signal: end.signal, folder, closers });
    isRight = report.isRight;
    return isRight && !options.isKept ? report : { ...report, folder };
  } catch (error) {
    context.say(`the record and the logs are in ${folder}`);
    throw error;
  } finally {
    end.abort();
    while (closers.length > 0) await closers.pop()();
    if (isRight && !options.isKept) rmSync(folder, { recursive: true, force: true });
  }
}

async function run(options) {
  const { folder, closers, say, seed, signal } = options;
  say(`starting Pulsar and mongod (one node) in ${folder} …`);
  const servers = await startOwnServers(folder, closers);
  const fleet = openFleet(options, servers);
  await unlessBroken({ breaks: [fleet.failed, aborted(signal)], closers }, () => startApps(fleet, options));
  const load = { isEnding: false };
  const { sender, watch } = openLoad(options, fleet, load);
  const beganMs = performance.now();
  sender.start();
  watch.start();
  const breaks = [fleet.failed, sender.failed, aborted(signal)];
  const faults = await unlessBroken({ breaks, closers }, () =>
    inflictAll({ ...options, ...servers, fleet, sender, watch, load, beganMs }),
  );
  const sentMs = performance.now() - beganMs;
  say('the load ends; waiting for the answers, and closing the stream …');
  await unlessBroken({ breaks, closers }, async () => {
    await sender.finish();
    await closeStream(fleet);
  });
  await watch.stop();
  say('collecting what came of it …');
  await collectResults({
    ...{
      folder,
      pipeline: PIPELINE,
      stream: STREAM,
      series: SERIES,
      namespace: NAMESPACE,
      database: DATABASE,
    },
    url: `http://127.0.0.1:${fleet.ports('dashboard')[0]}`,
    broker: servers.broker.addresses,
    storeUrl: `mongodb://127.0.0.1:${servers.database.port}/?directConnection=true`,
  });
  await Promise.all(APPS.concat('dashboard').flatMap((app) => fleet.of(app).map((each) => fleet.stop(each))));
  say('recounting …');
  return reportOf({ ...options, sentMs, faults, sender, fleet, seed }, await recount(folder));
}

function openLoad({ seed, rate, folder, closers, signal }, fleet, load) {
  const traffic = new Traffic({ seed, rate, startMs: Date.now() });
  const sender = new Sender({
    ...{ traffic, rate, seed, folder, stream: STREAM },
    ports: () => fleet.ports('ingest'),
    hasIncidents: () => !load.isEnding,
  });
  const watch = new ResultsWatch({
    ...{ sender, series: SERIES[0], stream: STREAM, usualLagMs: OUT_OF_ORDER_MS + USUAL_DELAY_MS },
    ports: () => fleet.ports('dashboard'),
  });
  // What waits for either ends with the run.
  signal.addEventListener('abort', () => {
    sender.abort();
    void watch.stop();
  });
  closers.push(() => watch.stop());
  return { sender, watch };
}

function reportOf({ seed, without, rate, sentMs, faults, sender, fleet }, counted) {
  return {
    ...{ minutes: sentMs / 60_000, seed, without, wantedRate: rate },
    ...{ reachedRate: Math.round((sender.events * 1_000) / sentMs), sentAgain: sender.sentAgain },
    faults: Object.fromEntries([...faults].map(([kind, found]) => [kind, found.length])),
    recoveryMs: Object.fromEntries(
      [...faults].map(([kind, found]) => [kind, Math.round(Math.max(...found))]),
    ),
    uncleanEnds: fleet.uncleanEnds,
    ...counted,
    isRight: counted.lost + counted.doubled + counted.differing === 0,
  };
}

function openFleet({ folder, closers, without, signal }, { broker, database }) {
  mkdirSync(join(folder, 'logs'));
  const fleet = new Fleet({
    ...{ storePort: database.port, database: DATABASE, folder: join(folder, 'logs'), closers, signal },
    settings: {
      MILLRACE_BROKER: broker.addresses.webSocket,
      MILLRACE_NAMESPACE: NAMESPACE,
      MILLRACE_APPLY_TOPOLOGY: 'true',
      MILLRACE_PIPELINES: join(ROOT, 'test', 'chaos', 'pipeline.yaml'),
      ...(without.length > 0 ? { MILLRACE_WITHOUT_FENCE: without.join(',') } : {}),
    },
  });
  closers.push(() => fleet.killAll());
  return fleet;
}

/** The first of each sets the servers up, the others find them so. */
async function startApps(fleet, { say }) {
  say('starting the apps …');
  for (const app of [...APPS, 'dashboard']) {
    await fleet.start(app);
    if (app === APPS[0]) await fleet.untilReady();
  }
  for (let i = 1; i < USUAL_REPLICAS; i++) for (const app of APPS) await fleet.start(app);
  await fleet.untilReady();
}

/** Gives for each kind how long the results were not current, one for each fault. */
async function inflictAll(run) {
  const { minutes, kinds, seed, say, sender, watch, load, beganMs, rate, signal } = run;
  const endMs = beganMs + minutes * 60_000;
  const found = new Map();
  say(`sending ${rate} events a second`);
  // Results are current at last.
  await watch.until(sender.storedMs);
  let left = kinds.length;
  for (const fault of faultPlan(seed, kinds)) {
    if (signal.aborted || (left-- <= 0 && performance.now() > endMs - WITHOUT_INCIDENTS_MS)) break;
    const { what, recoveryMs } = await inflictOne(run, fault);
    say(`${what}; results were current again after ${(recoveryMs / 1_000).toFixed(1)} s`);
    found.set(fault.kind, [...(found.get(fault.kind) ?? []), recoveryMs]);
  }
  load.isEnding = true;
  const restMs = Math.max(WITHOUT_INCIDENTS_MS, endMs - performance.now());
  await sleep(restMs, undefined, { signal }).catch(() => undefined);
  return found;
}

async function inflictOne(run, fault) {
  const { fleet, watch, sender } = run;
  run.say(`${fault.kind} ${fault.app ?? ''} …`);
  const begunMs = performance.now();
  const what = await inflict(run, fault);
  await fleet.untilReady();
  const isOver = watch.until(sender.storedMs - OUT_OF_ORDER_MS - 1_000);
  await within(RECOVERS_WITHIN_MS, isOver, `the results do not go on after ${what}`);
  return { what, recoveryMs: Math.max(0, watch.behindAtMs - begunMs) };
}

async function closeStream(fleet) {
  for (const end = performance.now() + CLOSES_WITHIN_MS; ;) {
    const url = `http://127.0.0.1:${fleet.ports('ingest')[0]}/v1/streams/${STREAM}/close`;
    const answer = await fetch(url, { method: 'POST' });
    if (answer.ok) return;
    if (performance.now() > end) throw new ScriptFailure(`the stream does not close: ${await answer.text()}`);
  }
}

/** Standard Python, sharing no code. */
function recount(folder) {
  const program = join(ROOT, 'test', 'chaos', 'recount.py');
  return new Promise((done, fail) => {
    execFile('python3', [program, folder], { maxBuffer: 2 ** 26 }, (error, stdout, stderr) => {
      if (error === null) done(JSON.parse(stdout));
      else fail(new ScriptFailure(`the recount has failed:\n${stderr || error.message}`));
    });
  });
}

/** What is under way when something breaks is brought to its end before anything is closed, so that nothing is started behind it. */
async function unlessBroken({ breaks, closers }, work) {
  const working = work();
  closers.push(() => working.catch(() => undefined));
  return await Promise.race([...breaks, working]);
}

function aborted(signal) {
  return new Promise((_, fail) => {
    const stop = () => fail(new ScriptFailure('stopped by a signal', 130));
    if (signal.aborted) stop();
    else signal.addEventListener('abort', stop, { once: true });
  });
}

async function within(ms, promise, otherwise) {
  const tooLong = new AbortController();
  const time = sleep(ms, undefined, { signal: tooLong.signal }).then(
    () => Promise.reject(new ScriptFailure(otherwise)),
    () => undefined,
  );
  try {
    await Promise.race([promise, time]);
  } finally {
    tooLong.abort();
  }
}
