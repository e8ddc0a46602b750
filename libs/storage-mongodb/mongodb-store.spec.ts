import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll } from '@jest/globals';
import { MongoClient } from 'mongodb';
import { Telemetry } from '#libs/observability';
import {
  describeCommitStoreContract,
  describeDocumentStoreContract,
  describeLeaseStoreContract,
  describeResultStoreContract,
  describeWithMongodb,
  type StoreContract,
} from '#libs/testing';
import { MongodbStore } from './mongodb-store.js';

const TELEMETRY = new Telemetry({ logLevel: 'silent' });

describeWithMongodb('with a real server', ({ driver: address }) => {
  const client = new MongoClient(address);
  // One for all tests, emptied after each: to make collections takes longer than most of them.
  const database = `millrace-test-${randomUUID().slice(0, 8)}`;

  afterAll(async () => {
    await client.db(database).dropDatabase();
    await client.close();
  });

  const contract: StoreContract = {
    isShared: true,
    open: async (clock) => {
      const open = (): Promise<MongodbStore> =>
        MongodbStore.open({ address, database, clock, telemetry: TELEMETRY });
      let store = await open();
      const opened = [store];
      const { commits, leases, results, documents } = store;
      return {
        ...{ commits, leases, results, documents },
        reopen: async () => {
          await store.close();
          store = await open();
          opened.push(store);
          return store;
        },
        openAnother: async () => {
          const another = await open();
          opened.push(another);
          return another;
        },
        dispose: async () => {
          for (const each of opened) await each.close();
          await empty(client, database);
        },
      };
    },
    // The server's own clock judges leases.
    passTime: (ms) => sleep(ms),
  };

  describeCommitStoreContract('the store in MongoDB', contract);
  describeLeaseStoreContract('the store in MongoDB', contract);
  describeResultStoreContract('the store in MongoDB', contract);
  describeDocumentStoreContract('the store in MongoDB', contract);
});

/** Like a database that was dropped and set up anew. */
async function empty(client: MongoClient, database: string): Promise<void> {
  const db = client.db(database);
  const names = (await db.listCollections().toArray()).map(({ name }) => name);
  const emptied = names.filter((name) => !/^(system|rows|table|probe|setup)/.test(name));
  await Promise.all([
    ...names.filter((name) => /^(rows|table)\./.test(name)).map((name) => db.dropCollection(name)),
    ...emptied.map((name) => db.collection(name).deleteMany({})),
  ]);
  await db
    .collection<{ _id: string }>('setup')
    .updateOne({ _id: 'setup' }, { $set: { identity: randomUUID() } });
}
