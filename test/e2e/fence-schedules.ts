import { setTimeout as sleep } from 'node:timers/promises';
import { resolve } from 'node:path';
import type { Fence } from '#libs/functions';
import { decodeFrame } from '#libs/messaging';
import { PARTITIONS } from './broker-accidents.js';
import { type FenceSchedule, type FenceTrial, PATIENCE_MS, SELDOM } from './fence-trial.js';
import { until } from './until.js';
import type { StandaloneProcess } from './standalone-process.js';

const TASK = 'web/local/0';
/** Its record in the store, as it stands in what goes over the line. */
const RECORD = '["web","local",0]';
const SUSPENDABLE = resolve(import.meta.dirname, 'suspendable-clock.mjs');
/** The store tries a transaction again by itself for five seconds; what comes after that is asked for by the runtime. */
const OWN_TRIES_MS = 11_000;

/** The accidents that need no more than a broker. */
export const BROKER_SCHEDULES = {
  // Enrich dies when frames are stored that no commit knows of: it goes over its input again.
  'covered-check': async (trial) => {
    const isThere = (): Promise<boolean> => hasEvents(trial, 'enriched', 1);
    while (!(await isThere())) {
      const dying = await trial.start({ MILLRACE_FAILPOINT: 'web/enrich/1@before-covering-commit' });
      await trial.post(dying);
      await Promise.race([dying.ended, until(isThere, Boolean, PATIENCE_MS)]);
      // The last commit at the latest kills it.
      await dying.stop();
    }
  },
  // The broker stores the deltas of local tasks once more.
  'sequence-filter': async (trial) => {
    await trial.gatherFor('global');
    await trial.broker.repeatAll('partials');
  },
  // Before a global task has read anything somebody moves its subscription to the end.
  'position-filter': async (trial) => {
    await trial.gatherFor('global');
    await trial.broker.skipAll('partials', 'aggregate');
  },
  // A process dies when it has read, and committed nothing of it; then the broker removes what is acknowledged.
  'acknowledge-after-commit': async (trial) => {
    const dying = await trial.start(SELDOM);
    await trial.untilCommitted(dying, 'local');
    await trial.post(dying);
    await trial.untilTaken(dying, 'local');
    // Or enrich would make all of it once more.
    await trial.broker.untilAcknowledged('raw', 'enrich');
    if (trial.isWithout) await trial.broker.untilAcknowledged('enriched', 'aggregate');
    await dying.kill();
    await trial.broker.removeAcknowledged('enriched');
  },
  // A process dies when it has delivered results and nobody has noted that; then the broker forgets who has sent what.
  'public-tail': async (trial) => {
    await trial.gatherFor('global');
    const delivered = (): Promise<readonly number[]> => trial.broker.lastNumbers('results', 'web/global/0');
    for (let passing = 1; (await delivered()).every((number) => number < 0); passing++)
      await trial.runUntilKilled(`web/global/0@after-deliver-messages:${passing}`);
    await trial.broker.forgetProducers('results');
  },
} satisfies Partial<Record<Fence, FenceSchedule>>;

/** Those in which two processes share a store that is reached over a line. */
export const STORE_SCHEDULES = {
  // The process dies when its commit is on its way; the next one commits less at a time, under the same numbers.
  'outbox-before-delivery': async (trial) => {
    const { line, settings } = await trial.lineToStore();
    const dying = await trial.start({ ...SELDOM, ...settings });
    await gathered(trial, dying);
    const before = await trial.broker.lastNumbers('partials', TASK);
    const onItsWay = new Promise<void>((is) => {
      line.watch((text) => {
        if (!isBeginOfCommit(text)) return 'pass';
        is();
        return 'swallow';
      });
    });
    process.kill(dying.pid, 'SIGTERM');
    await onItsWay;
    if (trial.isWithout) {
      const delivered = (): Promise<readonly number[]> => trial.broker.lastNumbers('partials', TASK);
      await until(delivered, (now) => PARTITIONS.every((at) => now[at]! > before[at]!), PATIENCE_MS);
    }
    await dying.kill();
  },
  // A commit has failed several times when its owner is suspended with its connections cut. Another one commits
  // something else and dies before it has delivered that; then the first one is woken, and tries again.
  'commit-id': async (trial) => {
    const [store, broker] = [await trial.lineToStore(), await trial.lineToBroker()];
    const former = await trial.start({
      ...SELDOM,
      ...store.settings,
      ...broker.settings,
      NODE_OPTIONS: `--import=${SUSPENDABLE}`,
      MILLRACE_DRAIN_TIMEOUT: '1h',
    });
    await gathered(trial, former);
    const triesMs: number[] = [];
    store.line.watch((text) => {
      if (!isBeginOfCommit(text)) return 'pass';
      triesMs.push(performance.now());
      return 'break';
    });
    process.kill(former.pid, 'SIGTERM');
    await until(
      () => Promise.resolve((triesMs.at(-1) ?? 0) - (triesMs[0] ?? 0)),
      (spanMs) => spanMs > OWN_TRIES_MS,
      PATIENCE_MS,
    );
    process.kill(former.pid, 'SIGUSR2');
    store.line.cut();
    broker.line.cut();
    await trial.expireLeases();
    await trial.runUntilKilled(`${TASK}@after-commit`);
    // It believes that no time has passed, and hears too late that it has no lease any more.
    store.line.watch((text) => (isRenewal(text) ? 'swallow' : 'pass'));
    store.line.mend();
    broker.line.mend();
    await Promise.race([former.ended, sleep(PATIENCE_MS, undefined, { ref: false })]);
    await former.kill();
  },
} satisfies Partial<Record<Fence, FenceSchedule>>;

/** Everything is read; all but the first messages is not committed. */
async function gathered(trial: FenceTrial, process: StandaloneProcess): Promise<void> {
  await trial.untilCommitted(process, 'local');
  await trial.post(process);
  await trial.untilTaken(process, 'local');
}

function isBeginOfCommit(text: string): boolean {
  return text.includes(RECORD) && text.includes('startTransaction');
}

function isRenewal(text: string): boolean {
  return text.includes(RECORD) && text.includes('lease.renewed');
}

async function hasEvents(trial: FenceTrial, noun: 'enriched', partition: number): Promise<boolean> {
  const stored = await trial.broker.storedIn(noun, partition).catch(() => []);
  return stored.some(({ payload }) => decodeFrame(payload, noun).items.length > 0);
}
