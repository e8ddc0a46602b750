import { afterEach, beforeEach, expect, it } from '@jest/globals';
import { Decimal128, Long, MongoClient, ObjectId, UUID } from 'mongodb';
import { SystemClock } from '#libs/kernel';
import { describeWithMongodb } from '#libs/testing';
import { MongodbKeyedRecords } from './mongodb-keyed-records.js';

const TIMEOUT_MS = 5_000;
const OBJECT = new ObjectId('66a1b2c3d4e5f60718293a4b');
const UNIVERSAL = new UUID('0189d1c2-7e3a-7c4b-8a5d-1e2f3a4b5c6d');

describeWithMongodb('records of a collection', ({ driver }) => {
  const database = `records-${process.pid}`;
  let client: MongoClient;
  let records: MongodbKeyedRecords;

  beforeEach(async () => {
    client = new MongoClient(driver);
    records = new MongodbKeyedRecords({ address: driver, database, clock: new SystemClock() });
  });
  afterEach(async () => {
    await records.close();
    await client.db(database).dropDatabase();
    await client.close();
  });

  it('are found by text, number, ObjectId and UUID as they are written, and come as JSON', async () => {
    const since = new Date('2026-01-31T12:00:00Z');
    await client
      .db(database)
      .collection<Record<string, unknown> & { _id: unknown }>('accounts')
      .insertMany([
        { _id: 'ann', plan: 'gold', credit: Decimal128.fromString('12.5'), since },
        { _id: 7, plan: 'free', visits: Long.fromNumber(2 ** 40), owner: OBJECT },
        { _id: OBJECT, plan: 'team', members: [{ id: UNIVERSAL }] },
        { _id: UNIVERSAL, plan: null },
      ]);
    const keys = ['ann', '7', OBJECT.toString(), UNIVERSAL.toString(), 'bob', '07'];
    const found = await records.find({
      collection: 'accounts',
      keyField: '_id',
      keys,
      timeoutMs: TIMEOUT_MS,
    });
    expect(Object.fromEntries(found)).toEqual({
      ann: { _id: 'ann', plan: 'gold', credit: 12.5, since: since.toISOString() },
      7: { _id: 7, plan: 'free', visits: 2 ** 40, owner: OBJECT.toString() },
      [OBJECT.toString()]: { _id: OBJECT.toString(), plan: 'team', members: [{ id: UNIVERSAL.toString() }] },
      [UNIVERSAL.toString()]: { _id: UNIVERSAL.toString(), plan: null },
    });
  });

  it('are found by any field, and a key with operators is only a text', async () => {
    await client
      .db(database)
      .collection('users')
      .insertMany([
        { mail: 'a@b.c', n: 1 },
        { mail: '{"$gt":""}', n: 2 },
      ]);
    const query = { collection: 'users', keyField: 'mail', timeoutMs: TIMEOUT_MS };
    const found = await records.find({ ...query, keys: ['a@b.c', '{"$gt":""}', '$where'] });
    expect([...found].map(([key, { n }]) => [key, n])).toEqual([
      ['a@b.c', 1],
      ['{"$gt":""}', 2],
    ]);
    expect(await records.find({ ...query, collection: 'nowhere', keys: ['a'] })).toEqual(new Map());
  });
});
