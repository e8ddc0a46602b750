// The apps as processes: each replica with a port, a line to the database and a log of its own.

import { spawn } from 'node:child_process';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { DIST, node24, ScriptFailure } from '../workspace.mjs';
import { StoreProxy } from './store-proxy.mjs';

const ASK_EVERY_MS = 200;
const ASK_WITHIN_MS = 3_000;
const READY_WITHIN_MS = 600_000;
/** Longer than MILLRACE_DRAIN_TIMEOUT: the app itself gives up before. */
const END_WITHIN_MS = 45_000;
const LAST_LINES = 25;

/** One process of an app. */
class Replica {
  constructor(name, app, { child, proxy, logFile }) {
    Object.assign(this, { name, app, child, proxy, logFile });
    this.isExpectedToEnd = false;
    this.ended = new Promise((done) => child.once('exit', (code, signal) => done({ code, signal })));
  }

  get hasEnded() {
    return this.child.exitCode !== null || this.child.signalCode !== null;
  }

  signal(signal) {
    this.child.kill(signal);
  }

  /** It takes a port that is free, and says which. */
  async untilListening() {
    const listens = /"port":"(\d+)".*app listens/;
    let found = null;
    while (found === null && !this.hasEnded) {
      found = listens.exec(readFileSync(this.logFile, 'utf8'));
      if (found === null) await sleep(ASK_EVERY_MS);
    }
    this.port = found === null ? undefined : Number(found[1]);
  }

  get lastLines() {
    return readFileSync(this.logFile, 'utf8').trimEnd().split('\n').slice(-LAST_LINES).join('\n');
  }
}

export class Fleet {
  #options;
  #replicas = new Set();
  #numbers = new Map();
  #fail;
  /** Rejects when a process ends that nobody has told to. */
  failed = new Promise((_, fail) => (this.#fail = fail));
  /** Names of those that did not end with 0 when they were told to. */
  uncleanEnds = [];

  /** @param options `storePort`, `database`, `settings` of every app, `folder` of the logs, `closers` */
  constructor(options) {
    this.#options = options;
    this.failed.catch(() => undefined);
  }

  of(app) {
    return [...this.#replicas].filter((replica) => replica.app === app);
  }

  ports(app) {
    return this.of(app).flatMap(({ port }) => port ?? []);
  }

  async start(app) {
    const { storePort, database, settings, folder, closers, signal } = this.#options;
    signal.throwIfAborted();
    const number = (this.#numbers.get(app) ?? 0) + 1;
    this.#numbers.set(app, number);
    const name = `${app}-${number}`;
    const proxy = await StoreProxy.open(storePort);
    closers.push(() => proxy.close());
    const logFile = join(folder, `${name}.log`);
    const log = openSync(logFile, 'a');
    const child = spawn(node24(), [join(DIST, 'apps', app, 'main.js')], {
      env: {
        ...environmentOfMachine(),
        ...settings,
        MILLRACE_STORE: `mongodb://127.0.0.1:${proxy.port}/${database}?directConnection=true`,
        MILLRACE_PORT: '0',
      },
      // The channel: an app ends when we are gone, however we went.
      stdio: ['ignore', log, log, 'ipc'],
    });
    closeSync(log);
    const replica = new Replica(name, app, { child, proxy, logFile });
    this.#replicas.add(replica);
    void replica.ended.then((end) => this.#ended(replica, end));
    await replica.untilListening();
    return replica;
  }

  /** As an orchestrator does: SIGTERM, and time to drain. */
  async stop(replica) {
    replica.isExpectedToEnd = true;
    replica.signal('SIGTERM');
    const tooLong = setTimeout(() => replica.signal('SIGKILL'), END_WITHIN_MS);
    const { code, signal } = await replica.ended;
    clearTimeout(tooLong);
    if (code !== 0) this.uncleanEnds.push(`${replica.name} (${signal ?? `code ${code}`})`);
    return code;
  }

  async kill(replica) {
    replica.isExpectedToEnd = true;
    replica.signal('SIGKILL');
    await replica.ended;
  }

  async killAll() {
    await Promise.all([...this.#replicas].map((replica) => this.kill(replica)));
  }

  async untilReady(replicas = [...this.#replicas]) {
    const end = performance.now() + READY_WITHIN_MS;
    for (const replica of replicas) {
      for (let answer = await readiness(replica); answer !== ''; answer = await readiness(replica)) {
        if (replica.hasEnded || this.#options.signal.aborted) break;
        if (performance.now() > end) throw new ScriptFailure(`${replica.name} does not get ready: ${answer}`);
        await sleep(ASK_EVERY_MS);
      }
    }
  }

  #ended(replica, { code, signal }) {
    this.#replicas.delete(replica);
    if (replica.isExpectedToEnd) return;
    const how = signal === null ? `with code ${code}` : `by ${signal}`;
    this.#fail(new ScriptFailure(`${replica.name} has ended ${how} by itself:\n${replica.lastLines}`));
  }
}

/** Without the settings of whoever runs this. */
function environmentOfMachine() {
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('MILLRACE_')));
}

/** Empty: it is ready; else what it says. */
async function readiness({ port }) {
  try {
    const answer = await fetch(`http://127.0.0.1:${port}/health/ready`, {
      signal: AbortSignal.timeout(ASK_WITHIN_MS),
    });
    const text = await answer.text();
    return answer.ok ? '' : text;
  } catch (error) {
    return error.message;
  }
}
