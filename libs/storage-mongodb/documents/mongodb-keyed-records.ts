import { Decimal128, Double, Int32, Long, ObjectId, UUID } from 'mongodb';
import type { Clock } from '#libs/kernel';
import { type KeyedRecord, KeyedRecords, type RecordQuery } from '#libs/storage';
import { MongodbConnection } from '../mongodb-connection.js';

export interface MongodbKeyedRecordsOptions {
  /** `mongodb://…` or `mongodb+srv://…`, credentials included. */
  readonly address: string;
  readonly database: string;
  readonly clock: Clock;
}

/** Above this a key that is digits is the same number as another. */
const NUMBER = /^-?(0|[1-9]\d{0,14})(\.\d{1,6})?$/;
const OBJECT_ID = /^[0-9a-f]{24}$/i;
const UUID_TEXT = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

/** Collections of others, read only. Connects when it is first asked. */
export class MongodbKeyedRecords extends KeyedRecords {
  readonly isConfigured = true;
  readonly #connection: MongodbConnection;

  constructor(options: MongodbKeyedRecordsOptions) {
    super();
    this.#connection = new MongodbConnection(options);
  }

  async find({
    collection,
    keyField,
    keys,
    timeoutMs,
  }: RecordQuery): Promise<ReadonlyMap<string, KeyedRecord>> {
    const wanted = keys.flatMap(valuesOf);
    const documents = await this.#connection.call(
      `the look-up in ${collection}`,
      async () =>
        await this.#connection
          .collection(collection)
          .find({ [keyField]: { $in: wanted } }, { maxTimeMS: timeoutMs, readPreference: 'primaryPreferred' })
          .toArray(),
      timeoutMs,
    );
    return new Map(
      documents.map((document) => [String(plain(document[keyField])), plain(document) as KeyedRecord]),
    );
  }

  /** Safe to call again. */
  async close(): Promise<void> {
    await this.#connection.close();
  }
}

/** What a key may be in the database. */
function valuesOf(key: string): readonly unknown[] {
  const values: unknown[] = [key];
  if (NUMBER.test(key)) values.push(Number(key));
  if (OBJECT_ID.test(key)) values.push(new ObjectId(key));
  if (UUID_TEXT.test(key)) values.push(new UUID(key));
  return values;
}

const NUMBERS = [Long, Double, Int32, Decimal128];
const TEXTS = [ObjectId, UUID];

/** As JSON has it. */
function plain(value: unknown): unknown {
  if (typeof value === 'bigint') return Number(value);
  if (typeof value !== 'object' || value === null) return value;
  if (NUMBERS.some((kind) => value instanceof kind)) return Number(String(value));
  if (TEXTS.some((kind) => value instanceof kind)) return String(value);
  if (value instanceof Date) return value.toISOString();
  if (Array.isArray(value)) return value.map(plain);
  return Object.fromEntries(Object.entries(value).map(([name, each]) => [name, plain(each)]));
}
