import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { MongoClient } from 'mongodb';
import { DeliveryFencedError } from '#libs/storage';
import { describeWithMongodb } from '#libs/testing';
import { freePort } from '../../scripts/servers/free-port.mjs';
import {
  fetchMongod,
  replicaSetAddress,
  startMember,
  startReplicaSet,
} from '../../scripts/servers/mongod-server.mjs';
import { stopProcess } from '../../scripts/servers/server-process.mjs';
import { deliver, OwnDatabase } from '../../libs/storage-mongodb/fixture/own-database.js';
import type { MongodbStore } from '#libs/storage-mongodb';
import { SideWork } from './side-work.js';

// A set of three members whose primary fails again and again while rows are delivered, and a second writer that was
// declared dead and wakes up. `npm run verify` and MILLRACE_TEST_RUNS=20000 take more of it than `npm test`.

const RUNS = Number(process.env['MILLRACE_TEST_RUNS'] ?? 200);
/** Ten by hand, three in CI, one beside the other tests. */
const FAULTS = RUNS >= 20_000 ? 10 : RUNS >= 2_000 ? 3 : 1;
const ROWS = RUNS >= 2_000 ? 100_000 : 10_000;
const ROWS_A_COMMIT = 500;
const COMMITS = ROWS / ROWS_A_COMMIT;
const KINDS = ['kill -9', 'step down', 'stop'] as const;
const PATIENCE_MS = 60_000;

describeWithMongodb('a set of three members', () => {
  let folder: string;
  let program: string;
  let ports: number[];
  let pids: number[];
  let database: OwnDatabase;

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'millrace-three-'));
    program = await fetchMongod();
    ports = [];
    while (ports.length < 3) ports.push(await freePort());
    const set = await startReplicaSet({ folder, ports, program, name: 'three' });
    pids = [...set.pids];
    database = new OwnDatabase(set.addresses.driver);
  }, 600_000);
  afterAll(async () => {
    await database?.dispose().catch(() => undefined);
    await Promise.all((pids ?? []).map((pid) => stopProcess(pid, 'SIGKILL')));
    rmSync(folder, { recursive: true, force: true });
  }, 600_000);

  async function primary(): Promise<number> {
    const hello = await database.client.db('admin').command({ hello: 1 });
    return ports.indexOf(Number(String(hello['primary']).split(':')[1]));
  }

  /** Gives what brings the member back. */
  async function fail(kind: (typeof KINDS)[number]): Promise<() => Promise<void>> {
    const at = await primary();
    const pid = pids[at]!;
    switch (kind) {
      case 'kill -9':
        await stopProcess(pid, 'SIGKILL');
        return async () => {
          pids[at] = await startMember({ folder, port: ports[at]!, program, name: 'three' });
        };
      case 'stop':
        process.kill(pid, 'SIGSTOP');
        return async () => void process.kill(pid, 'SIGCONT');
      case 'step down':
        await stepDown(ports[at]!);
        return async () => undefined;
      default:
        return kind satisfies never;
    }
  }

  it(`takes ${ROWS} rows through ${FAULTS} failures of its primary, each once, and none of a writer that was dead`, async () => {
    const zombie = await database.open();
    await insist(zombie, 1, 0);
    let refused = 0;
    let store = await database.open();
    let epoch = 2;
    const failAt = new Map(
      KINDS_IN_TURN.map((kind, i) => [Math.floor(((i + 0.5) * COMMITS) / FAULTS), kind]),
    );
    for (let commitSeq = 1; commitSeq <= COMMITS; commitSeq++) {
      const kind = failAt.get(commitSeq);
      // The fault comes while the insert is under way.
      const delivering = new SideWork(() => insist(store, epoch, commitSeq));
      const restore = kind === undefined ? undefined : await fail(kind);
      await delivering.done;
      if (restore === undefined) continue;
      // Declared dead, and it wakes: with the commit at hand, with the one before, and with one that is none of its.
      for (const seq of [commitSeq - 1, commitSeq, commitSeq + 5]) {
        await expect(insist(zombie, 1, seq)).rejects.toBeInstanceOf(DeliveryFencedError);
        refused++;
      }
      await restore();
      // A new owner delivers again what the former one has.
      store = await database.open();
      epoch++;
      await insist(store, epoch, commitSeq);
    }
    expect(refused).toBe(3 * FAULTS);
    const ids = await database.storedIds();
    expect(new Set(ids).size).toBe(ROWS + ROWS_A_COMMIT);
    expect(ids).toHaveLength(ROWS + ROWS_A_COMMIT);
  }, 600_000);
});

const KINDS_IN_TURN = Array.from({ length: FAULTS }, (_, i) => KINDS[i % KINDS.length]!);

/** As the runtime does: again and again while a retry can help. */
async function insist(store: MongodbStore, epoch: number, commitSeq: number): Promise<void> {
  for (const endMs = performance.now() + PATIENCE_MS; ;) {
    try {
      return await deliver(store, epoch, commitSeq, ROWS_A_COMMIT);
    } catch (error) {
      const canHelp = (error as { retry?: string }).retry === 'backoff';
      if (!canHelp || performance.now() > endMs) throw error;
    }
  }
}

async function stepDown(port: number): Promise<void> {
  const client = new MongoClient(
    replicaSetAddress([port], 'three').replace('/?replicaSet=three', '/?directConnection=true'),
  );
  await client
    .db('admin')
    .command({ replSetStepDown: 20, secondaryCatchUpPeriodSecs: 5, force: true })
    .catch(() => undefined);
  await client.close();
}
