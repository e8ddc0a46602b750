import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { DeliveryFencedError } from '#libs/storage';
import { describeWithMongodb } from '#libs/testing';
import { CuttingProxy } from './fixture/cutting-proxy.js';
import { deliver, deliverAgain, OwnDatabase, TASK } from './fixture/own-database.js';
import type { MongodbStore } from './mongodb-store.js';

// The steps of a task (architecture: own, commit, deliver, recover), each with what can happen in it on the way to the
// server, and what comes of it: which commit stands, and the rows of which commits are there, each once.

/** So many take three commands. */
const MANY_ROWS = 2_500;
const TTL_MS = 600_000;

interface Scene {
  /** Of the owner that has made and delivered commit 1, through the proxy. */
  readonly owner: MongodbStore;
  readonly proxy: CuttingProxy;
  /** The store of whoever takes the task over: directly, another process. */
  readonly next: () => Promise<MongodbStore>;
}

interface Result {
  /** How the call ended that it happened to. */
  readonly call: string;
  readonly standing: number;
  readonly rows: number;
}

type Step = readonly [name: string, act: (scene: Scene) => Promise<string>, result: Result];

const STEPS: readonly Step[] = [
  [
    'own: two ask for the lease of one task',
    async ({ owner, next }) => {
      const other = await next();
      const task = { ...TASK, partition: 1 };
      const leases = [
        await owner.leases.acquire(task, 'a', TTL_MS),
        await other.leases.acquire(task, 'b', TTL_MS),
      ];
      return leases
        .map((lease) => (lease === undefined ? 'refused' : `epoch ${lease.version.epoch}`))
        .join(', ');
    },
    { call: 'epoch 1, refused', standing: 1, rows: 5 },
  ],
  [
    'commit: its reply is lost, each time',
    async ({ owner, proxy }) => {
      proxy.cutAnswersTo('commitTransaction', 20);
      const call = await outcomeOf(commit(owner, 1, 2));
      proxy.cutAnswersTo('commitTransaction', 0);
      return `${call}, then ${await outcomeOf(commit(owner, 1, 2))}`;
    },
    { call: 'STORE_UNAVAILABLE, then fenced by c2', standing: 2, rows: 5 },
  ],
  [
    'commit: killed in the middle of it',
    async ({ owner, proxy, next }) => {
      proxy.dieAt('commitTransaction');
      const call = await outcomeOf(commit(owner, 1, 2));
      const other = await next();
      return `${call}, then ${await outcomeOf(takeOver(other).then(() => commit(other, 2, 2)))}`;
    },
    { call: 'STORE_UNAVAILABLE, then committed', standing: 2, rows: 5 },
  ],
  [
    'commit: by a former owner that wakes up',
    async ({ owner, next }) => {
      await takeOver(await next());
      return await outcomeOf(commit(owner, 1, 2));
    },
    { call: 'fenced by c1', standing: 1, rows: 5 },
  ],
  [
    'deliver: the reply to an insert is cut off',
    async ({ owner, proxy }) => {
      proxy.cutAnswersTo('requests\0\u0004documents');
      return await outcomeOf(deliver(owner, 1, 2));
    },
    { call: 'done', standing: 1, rows: 10 },
  ],
  [
    'deliver: killed in the middle of an insert',
    async ({ owner, proxy, next }) => {
      proxy.dieAt('requests\0\u0004documents', 1);
      const call = await outcomeOf(deliver(owner, 1, 2, MANY_ROWS));
      const other = await next();
      await takeOver(other);
      return `${call}, then ${await outcomeOf(deliver(other, 2, 2, MANY_ROWS))}`;
    },
    { call: 'STORE_UNAVAILABLE, then done', standing: 1, rows: 5 + MANY_ROWS },
  ],
  [
    'deliver: by a former owner that wakes up',
    async ({ owner, next }) => {
      const other = await next();
      await takeOver(other);
      await deliver(other, 2, 2);
      return `${await outcomeOf(deliver(owner, 1, 2))}, ${await outcomeOf(deliver(owner, 1, 3))}`;
    },
    { call: 'DELIVERY_FENCED, DELIVERY_FENCED', standing: 1, rows: 10 },
  ],
  [
    'recover: the same commit again after a restart',
    async ({ next }) => {
      const other = await next();
      await takeOver(other);
      return await outcomeOf(deliver(other, 2, 1));
    },
    { call: 'done', standing: 1, rows: 5 },
  ],
  [
    'recover: several commits were delivered and not noted',
    async ({ owner, next }) => {
      for (const commitSeq of [2, 3, 4]) await deliver(owner, 1, commitSeq);
      const other = await next();
      await takeOver(other);
      const again = [1, 2, 3, 4].map((commitSeq) => deliverAgain(other, 2, { commitSeq, newest: 4 }));
      return await outcomeOf(Promise.all(again).then(() => deliver(other, 2, 5)));
    },
    { call: 'done', standing: 1, rows: 25 },
  ],
];

describeWithMongodb('what happens to a task over MongoDB', ({ driver }) => {
  let database: OwnDatabase;
  let proxy: CuttingProxy;
  let owner: MongodbStore;

  beforeEach(async () => {
    database = new OwnDatabase(driver);
    proxy = await CuttingProxy.open(Number(/:(\d+)/.exec(driver.slice('mongodb://'.length))?.[1]));
    owner = await database.open({ address: `${proxy.address}&serverSelectionTimeoutMS=500` });
    await owner.leases.acquire(TASK, 'owner', 1);
    await commit(owner, 1, 1);
    await deliver(owner, 1, 1);
  });
  afterEach(async () => {
    await proxy.close();
    await database.dispose();
  });

  test.each(STEPS)(
    '%s',
    async (_name, act, { call, standing, rows }) => {
      expect(await act({ owner, proxy, next: () => database.open() })).toBe(call);
      const { version } = (await (await database.open()).commits.load(TASK))!;
      expect(version.commitSeq).toBe(standing);
      const ids = await database.storedIds();
      expect(new Set(ids).size).toBe(ids.length);
      expect(ids).toHaveLength(rows);
    },
    300_000,
  );
});

/** Commit `commitSeq`, which is called c2 and so on. */
async function commit(store: MongodbStore, epoch: number, commitSeq: number): Promise<unknown> {
  return await store.commits.commit(
    TASK,
    { incarnation: 0, epoch, commitSeq: commitSeq - 1 },
    { commitId: `c${commitSeq}`, progress: {}, facts: {}, deliveredCommitSeq: 0 },
  );
}

/** The lease of the former owner has run out. */
async function takeOver(store: MongodbStore): Promise<void> {
  const lease = await store.leases.acquire(TASK, 'next', TTL_MS);
  expect(lease?.version).toMatchObject({ epoch: 2 });
}

async function outcomeOf(call: Promise<unknown>): Promise<string> {
  try {
    const outcome = (await call) as { kind?: string; stored?: { commitId?: string } } | undefined;
    const by = outcome?.stored === undefined ? '' : ` by ${outcome.stored.commitId}`;
    return `${outcome?.kind ?? 'done'}${by}`;
  } catch (error) {
    if (error instanceof DeliveryFencedError) return error.code;
    return String((error as { code?: unknown }).code ?? error);
  }
}
