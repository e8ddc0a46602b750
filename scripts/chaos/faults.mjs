// What each kind of fault does. Resolves when the cause is gone; whether everybody has recovered is seen from outside.

import { setTimeout as sleep } from 'node:timers/promises';

const STOPPED_MS = 40_000;
/** Longer than a lease lives: somebody else takes the tasks over meanwhile. */
const CUT_MS = 15_000;
const SLOW_MS = 15_000;
const SLOW_BY_MS = 250;
const ALONE_MS = 5_000;
/** How many replicas there are usually. */
export const USUAL_REPLICAS = 2;
const MANY_REPLICAS = 4;

/** @type {Record<string, (run: object, fault: object) => Promise<string>>} each gives what it has done */
const FAULTS = {
  kill: async ({ fleet }, { app, choice }) => {
    const victim = chosen(fleet.of(app), choice);
    await fleet.kill(victim);
    await fleet.start(app);
    return `${victim.name} killed`;
  },

  stop: async ({ fleet, pause }, { app, choice }) => {
    const victim = chosen(fleet.of(app), choice);
    victim.signal('SIGSTOP');
    try {
      await pause(STOPPED_MS);
    } finally {
      victim.signal('SIGCONT');
    }
    return `${victim.name} stopped for ${STOPPED_MS / 1_000} s`;
  },

  broker: async ({ broker }, { choice }) => restarted('Pulsar', broker, choice),

  primary: async ({ database }, { choice }) => restarted('mongod', database, choice),

  scale: async ({ fleet, pause }, { app }) => {
    const before = fleet.of(app);
    const added = [];
    for (let i = before.length; i < MANY_REPLICAS; i++) added.push(await fleet.start(app));
    await fleet.untilReady(added);
    const [, ...leaving] = fleet.of(app);
    await Promise.all(leaving.map((replica) => fleet.stop(replica)));
    await pause(ALONE_MS);
    for (let i = 1; i < USUAL_REPLICAS; i++) await fleet.start(app);
    return `${app} ${before.length} → ${MANY_REPLICAS} → 1, then ${USUAL_REPLICAS} again`;
  },

  rolling: async ({ fleet }, { app }) => {
    for (const replica of fleet.of(app)) {
      await fleet.stop(replica);
      await fleet.untilReady([await fleet.start(app)]);
    }
    return `${app} restarted one after the other`;
  },

  cut: async ({ fleet, pause }, { app, choice }) => {
    const victim = chosen(fleet.of(app), choice);
    victim.proxy.cut();
    await pause(CUT_MS);
    victim.proxy.heal();
    return `${victim.name} cut off from the database for ${CUT_MS / 1_000} s`;
  },

  slow: async ({ fleet, pause }, { app }) => {
    const victims = fleet.of(app);
    for (const { proxy } of victims) proxy.slow(SLOW_BY_MS);
    await pause(SLOW_MS);
    for (const { proxy } of victims) proxy.heal();
    return `the database ${2 * SLOW_BY_MS} ms slower for ${app}, for ${SLOW_MS / 1_000} s`;
  },
};

/**
 * @param run `fleet`, `broker`, `database`, `signal`
 * @returns {Promise<string>} what was done
 */
export function inflict(run, fault) {
  const pause = (ms) => sleep(ms, undefined, { signal: run.signal }).catch(() => undefined);
  return FAULTS[fault.kind]({ ...run, pause }, fault);
}

function chosen(replicas, choice) {
  return replicas[Math.floor(choice * replicas.length)];
}

async function restarted(name, server, choice) {
  const signal = choice < 0.5 ? 'SIGKILL' : 'SIGTERM';
  await server.stop(signal);
  await server.startAgain();
  return `${name} ${signal === 'SIGKILL' ? 'killed' : 'stopped'} and started again`;
}
