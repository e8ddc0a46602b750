import { afterEach, beforeEach, describe, expect, it, test } from '@jest/globals';
import type { Document } from 'mongodb';
import { SystemClock } from '#libs/kernel';
import { describeWithMongodb } from '#libs/testing';
import { deliver, OwnDatabase, TASK } from './fixture/own-database.js';
import { MongodbConnection } from './mongodb-connection.js';
import { judgeVersion } from './server-version.js';
import type { MongodbStore } from './mongodb-store.js';
import { storeFailure } from './store-failure.js';

const COMMIT = { commitId: 'c', progress: {}, facts: {}, deliveredCommitSeq: 0 };
const START = { incarnation: 0, epoch: 0, commitSeq: 0 };

describe('a server of version', () => {
  test.each([
    ['6.0.19', []],
    ['7.0.0-rc1', []],
    ['8.0.4', []],
    ['6.0.18', ['SERVER-96419']],
    ['6.0.5', ['SERVER-96419', 'SERVER-71985']],
    ['5.0.0', ['SERVER-96419', 'SERVER-71985']],
  ])('%s has the issues %j', (version, issues) => {
    const verdict = judgeVersion(version);
    const named = verdict.kind === 'fine' ? [] : verdict.issues.map((issue) => issue.split(':')[0]);
    expect(named).toEqual(issues);
  });

  test.each(['4.4.29', '4.2.0', '3.6.1'])('%s is refused', (version) => {
    expect(() => judgeVersion(version)).toThrow(expect.objectContaining({ code: 'STORE_TOO_OLD' }));
  });
});

describe('what the driver hands on as Node throws it', () => {
  const call = { what: 'the health check', address: 'mongodb://127.0.0.1:1' };
  test.each(['EPIPE', 'ECONNRESET', 'ETIMEDOUT', 'ERR_STREAM_DESTROYED', 'ERR_SOCKET_CLOSED'])(
    '%s is a server that is away',
    (code) => {
      const error = Object.assign(new Error('This socket has been ended by the other party'), { code });
      expect(storeFailure(error, call)).toMatchObject({ code: 'STORE_UNAVAILABLE', retry: 'backoff' });
    },
  );

  test.each([
    ['a document that is too large', new RangeError('document too large')],
    ['a type that there is not', new TypeError('no such type')],
  ])('%s can not be stored', (_what, error) => {
    expect(storeFailure(error, call)).toMatchObject({ code: 'STORE_REFUSED', retry: 'never' });
  });
});

describe('an address that the driver does not take', () => {
  test.each([
    ['mongodb://u:hidden@h:notaport/?replicaSet=rs0', 'h:notaport'],
    ['mongodb://u:hidden@h/?replicaSet=rs0&nonsense=1', 'option nonsense is not supported'],
  ])('is refused with its hosts and the reason: %s', (address, reason) => {
    const open = (): unknown => new MongodbConnection({ address, database: 'x', clock: new SystemClock() });
    expect(open).toThrow(
      expect.objectContaining({ code: 'STORE_ADDRESS_INVALID', message: expect.stringContaining(reason) }),
    );
    expect(open).toThrow(expect.objectContaining({ message: expect.not.stringContaining('hidden') }));
  });
});

describeWithMongodb('a server of another replica set', ({ driver }) => {
  test('is named as such', async () => {
    const address = driver.replace('replicaSet=rs0', 'replicaSet=others&serverSelectionTimeoutMS=500');
    const connection = new MongodbConnection({ address, database: 'x', clock: new SystemClock() });
    const asking = connection.call('a look', () => connection.db.admin().command({ ping: 1 }));
    await expect(asking).rejects.toMatchObject({
      code: 'STORE_UNAVAILABLE',
      message: expect.stringContaining('who answers is no member of the replica set others'),
    });
    await connection.close();
  });
});

describeWithMongodb('a failure of the server', ({ driver }) => {
  let database: OwnDatabase;
  let store: MongodbStore;

  beforeEach(async () => {
    database = new OwnDatabase(driver);
    store = await database.open();
    await deliver(store, 1, 1);
  });
  afterEach(async () => {
    await database.dispose();
  });

  /** The server fails these commands of the store that calls itself so, and of nobody else. */
  async function failing(data: Document, action: () => Promise<void>): Promise<void> {
    const admin = database.client.db('admin');
    const failCommand = { configureFailPoint: 'failCommand' };
    await admin.command({ ...failCommand, mode: 'alwaysOn', data: { appName: 'millrace-failing', ...data } });
    try {
      await action();
    } finally {
      await admin.command({ ...failCommand, mode: 'off' });
    }
  }

  test.each<[string, number, string, string]>([
    ['a full disk', 14_031, 'OutOfDiskSpace', 'STORE_FULL'],
    ['a server that is read-only', 20, 'IllegalOperation', 'STORE_READ_ONLY'],
    ['a user that may not write', 13, 'Unauthorized', 'STORE_UNAUTHORIZED'],
    ['a primary that steps down', 189, 'PrimarySteppedDown', 'STORE_UNAVAILABLE'],
    ['a server that shuts down', 91, 'ShutdownInProgress', 'STORE_UNAVAILABLE'],
  ])(
    '%s: named, worth a retry, and all is there once it has passed',
    async (_what, errorCode, _name, code) => {
      const failingStore = await database.open({ address: withAppName(driver) });
      await deliver(failingStore, 2, 2);
      const failCommands = ['insert', 'update', 'findAndModify', 'find', 'commitTransaction'];
      await failing({ failCommands, errorCode }, async () => {
        const wanted = { code, retry: 'backoff' };
        await expect(deliver(failingStore, 2, 3)).rejects.toMatchObject(wanted);
        await expect(failingStore.commits.commit(TASK, START, COMMIT)).rejects.toMatchObject(wanted);
        await expect(failingStore.results.checkHealth()).rejects.toMatchObject(wanted);
      });
      await deliver(failingStore, 2, 3);
      expect(await failingStore.commits.commit(TASK, START, COMMIT)).toEqual({ kind: 'committed' });
      await expect(failingStore.results.checkHealth()).resolves.toBeUndefined();
      const ids = await database.storedIds();
      expect(ids).toHaveLength(15);
      expect(new Set(ids).size).toBe(15);
    },
    300_000,
  );

  it('that is not there at all: the start says so and ends', async () => {
    const nowhere = { address: 'mongodb://127.0.0.1:1/?replicaSet=rs0&serverSelectionTimeoutMS=300' };
    await expect(database.open(nowhere)).rejects.toMatchObject({
      code: 'STORE_UNAVAILABLE',
      message: expect.stringContaining('127.0.0.1:1'),
    });
  });

  it('after the end: every call says that the store is closed', async () => {
    await store.close();
    await expect(store.results.checkHealth()).rejects.toMatchObject({ code: 'STORE_CLOSED' });
    await expect(store.commits.load(TASK)).rejects.toMatchObject({ code: 'STORE_CLOSED' });
  });
});

function withAppName(address: string): string {
  return `${address}&appName=millrace-failing`;
}
