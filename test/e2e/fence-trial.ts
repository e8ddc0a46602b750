import { randomUUID } from 'node:crypto';
import { MongoClient } from 'mongodb';
import { PulsarAdmin } from '#libs/pulsar-admin';
import type { PulsarAddresses } from '#libs/testing';
import { makeAccessLog } from './access-log.js';
import { postLog } from './api.js';
import { BrokerAccidents } from './broker-accidents.js';
import { damageIn } from './fence-damage.js';
import { until } from './until.js';
import { Opened } from './opened.js';
import { PulsarNamespace } from './pulsar-namespace.js';
import { removeFolder, StandaloneProcess, temporaryFolder } from './standalone-process.js';
import { WatchedLine } from './watched-line.js';

// One accident at one step of real processes over a real broker, with and without what is there against it.

export const LOG = makeAccessLog({ lines: 2_000, days: 2, broken: 0, seed: 91 });
/** Each goes to `raw` as a message for every partition: more than a task takes in before its first commit, which is 64. */
export const PIECES = inPieces(LOG.text, 100).map((log, index) => ({ log, key: `piece-${index}` }));
export const PATIENCE_MS = 240_000;
export const SECRET = { MILLRACE_VISITOR_SECRET: 'of all runs' };
/** A task commits when it has taken its first messages, and then not before it is told to stop. */
export const SELDOM = { MILLRACE_COMMIT_INTERVAL: '1h', MILLRACE_COMMIT_GAP: '1h' };
const READERS = { raw: 'enrich', enriched: 'aggregate' } as const;

export interface FenceAddresses {
  readonly pulsar: PulsarAddresses;
  /** Undefined: processes keep what they have in their folder. */
  readonly driver?: string;
}

/** What happens before the last process starts, which then has to put everything right. */
export type FenceSchedule = (trial: FenceTrial) => Promise<void>;

/** Runs a schedule in a namespace of its own. Gives a line for everything that is wrong in the end. */
export async function damageOf(
  schedule: FenceSchedule,
  addresses: FenceAddresses,
  without: string,
): Promise<readonly string[]> {
  const trial = await FenceTrial.open(addresses, without);
  try {
    await schedule(trial);
    const last = await trial.start();
    await trial.post(last);
    return await damageIn(last.url, trial.broker);
  } finally {
    await trial.close();
  }
}

export class FenceTrial {
  readonly #opened = new Opened();
  readonly #answered = new Set<string>();
  readonly #database = `millrace-e2e-${randomUUID().slice(0, 8)}`;
  readonly broker: BrokerAccidents;
  readonly #folder = temporaryFolder();

  private constructor(
    private readonly addresses: FenceAddresses,
    private readonly without: string,
    private readonly namespace: PulsarNamespace,
  ) {
    this.#opened.add(() => removeFolder(this.#folder));
    this.#opened.add(() => namespace.remove());
    if (addresses.driver !== undefined) this.#opened.add(() => this.#inDatabase((db) => db.dropDatabase()));
    const admin = new PulsarAdmin({ address: addresses.pulsar.admin });
    this.broker = new BrokerAccidents(admin, namespace, PATIENCE_MS);
  }

  static async open(addresses: FenceAddresses, without: string): Promise<FenceTrial> {
    return new FenceTrial(addresses, without, await PulsarNamespace.make(addresses.pulsar));
  }

  /** Is this the run that is to do damage. */
  get isWithout(): boolean {
    return this.without !== '';
  }

  async start(more: Readonly<Record<string, string>> = {}): Promise<StandaloneProcess> {
    const process = await StandaloneProcess.start(this.#folderOf(more), {
      ...this.namespace.settings,
      ...this.#store(this.addresses.driver),
      ...SECRET,
      MILLRACE_WITHOUT_FENCE: this.without,
      ...more,
    });
    // In order where there is a store: a transaction left open would keep the database from being dropped for a minute.
    this.#opened.add(() => (this.addresses.driver === undefined ? process.kill() : process.stop()));
    return process;
  }

  /** A process that kills itself at a failpoint, whether or not it has got as far as to listen. */
  async runUntilKilled(failpoint: string): Promise<void> {
    const end = await this.start({ MILLRACE_FAILPOINT: failpoint }).then(
      (process) => process.ended,
      (error: Error) => /ended with (\w+)/.exec(error.message)?.[1] ?? error.message,
    );
    if (end !== 'SIGKILL') throw new Error(`it ended by ${String(end)}`);
  }

  /** Sends what has had no answer yet, in its order, until it has one or the process has ended. */
  async post({ url, ended }: StandaloneProcess): Promise<void> {
    let isOver = false;
    void ended.then(() => (isOver = true));
    for (const { log, key } of PIECES) {
      while (!this.#answered.has(key) && !isOver) {
        const answer = await postLog(url, 'web', log, key).catch(() => undefined);
        if (answer !== undefined) this.#answered.add(key);
      }
    }
  }

  /** The input of a stage is all there before it has read any of it. */
  async gatherFor(stage: 'local' | 'global'): Promise<void> {
    const held = [0, 1, 2, 3].map((partition) => `web/${stage}/${partition}=1h`);
    const first = await this.start({ MILLRACE_HOLD_TASKS: held.join(',') });
    await this.post(first);
    for (const noun of stage === 'local' ? (['raw'] as const) : (['raw', 'enriched'] as const))
      await this.broker.untilAcknowledged(noun, READERS[noun]);
    await first.kill();
  }

  /** Until every task of a stage has committed since the process started. */
  async untilCommitted(process: StandaloneProcess, stage: string): Promise<void> {
    await this.#untilMetric(
      process,
      `millrace_task_commit_seconds_count{pipeline="web",stage="${stage}"}`,
      4,
    );
  }

  /** Until a stage has taken all events that were posted, in this process. */
  async untilTaken(process: StandaloneProcess, stage: string): Promise<void> {
    await this.#untilMetric(process, `millrace_task_events_total{pipeline="web",stage="${stage}"}`, 2_000);
  }

  /** A line to the store, and the setting to go over it. */
  async lineToStore(): Promise<{ readonly line: WatchedLine; readonly settings: Record<string, string> }> {
    const { hostname, port } = new URL(this.#driver.replace('mongodb:', 'http:'));
    const line = await this.#line(hostname, Number(port));
    return { line, settings: this.#store(`mongodb://127.0.0.1:${line.port}/?directConnection=true`) };
  }

  async lineToBroker(): Promise<{ readonly line: WatchedLine; readonly settings: Record<string, string> }> {
    const { hostname, port } = new URL(this.namespace.webSocket);
    const line = await this.#line(hostname, Number(port));
    return { line, settings: { MILLRACE_BROKER: `ws://127.0.0.1:${line.port}` } };
  }

  /** As if the clock of the store had jumped: whoever has a lease has none any more, and nobody counts on anybody. */
  async expireLeases(): Promise<void> {
    await this.#inDatabase(async (db) => {
      const isLeased = { lease: { $exists: true } };
      await db.collection('tasks').updateMany(isLeased, { $set: { 'lease.expires': new Date(0) } });
      await db.collection('members').deleteMany({});
    });
  }

  async close(): Promise<void> {
    await this.#opened.closeAll();
  }

  get #driver(): string {
    if (this.addresses.driver === undefined) throw new Error('there is no store but the folder');
    return this.addresses.driver;
  }

  #store(address: string | undefined): Record<string, string> {
    return address === undefined ? {} : { MILLRACE_STORE: address.replace('/?', `/${this.#database}?`) };
  }

  /** Over a database, processes run side by side. */
  #folderOf({ MILLRACE_STORE: store = this.addresses.driver }: Readonly<Record<string, string>>): string {
    if (store === undefined) return this.#folder;
    const folder = temporaryFolder();
    this.#opened.add(() => removeFolder(folder));
    return folder;
  }

  async #line(host: string, port: number): Promise<WatchedLine> {
    const line = await WatchedLine.to(host, port);
    this.#opened.add(() => line.close());
    return line;
  }

  async #inDatabase(action: (db: ReturnType<MongoClient['db']>) => Promise<unknown>): Promise<void> {
    const client = new MongoClient(this.#driver);
    try {
      await action(client.db(this.#database));
    } finally {
      await client.close();
    }
  }

  async #untilMetric({ url }: StandaloneProcess, name: string, least: number): Promise<void> {
    const value = async (): Promise<number> => {
      const text = await (await fetch(`${url}/metrics`)).text();
      const line = text.split('\n').find((each) => each.startsWith(`${name} `));
      return Number(line?.slice(name.length) ?? 0);
    };
    await until(value, (found) => found >= least, PATIENCE_MS);
  }
}

function inPieces(text: string, count: number): readonly string[] {
  const lines = text.trimEnd().split('\n');
  const size = Math.ceil(lines.length / count);
  return Array.from({ length: count }, (_, index) =>
    lines
      .slice(index * size, (index + 1) * size)
      .map((line) => `${line}\n`)
      .join(''),
  );
}
