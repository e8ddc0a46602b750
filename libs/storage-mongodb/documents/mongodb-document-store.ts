import type { AnyBulkWriteOperation, ClientSession, Collection, Filter } from 'mongodb';
import {
  assertLimit,
  cursorAfter,
  type DocumentPage,
  type DocumentQuery,
  DocumentStore,
  type DocumentWrite,
  identityOfDocumentQuery,
  keyText,
  placeOf,
} from '#libs/storage';
import { NAMES } from '../collection-names.js';
import { storedName } from '../field-names.js';
import { DURABLE, MAJORITY_READ, type MongodbConnection, QUERY_MAX_TIME_MS } from '../mongodb-connection.js';
import { codeOf } from '../store-failure.js';
import { documentId, documentOf, type DocumentRecord, documentRecord } from './document-record.js';

const DUPLICATE_KEY = 11_000;
const QUERY = { ...MAJORITY_READ, maxTimeMS: QUERY_MAX_TIME_MS };

export class MongodbDocumentStore extends DocumentStore {
  readonly #connection: MongodbConnection;
  readonly #documents: Collection<DocumentRecord>;

  constructor(connection: MongodbConnection) {
    super();
    this.#connection = connection;
    this.#documents = connection.collection<DocumentRecord>(NAMES.documents);
  }

  async get(collection: string, id: string): Promise<DocumentWrite | undefined> {
    const found = await this.#connection.call(`reading a document of ${collection}`, () =>
      this.#documents.findOne({ _id: documentId(collection, id) }, QUERY),
    );
    return found === null ? undefined : documentOf(found);
  }

  async find(query: DocumentQuery): Promise<DocumentPage> {
    assertLimit(query.limit);
    const identity = identityOfDocumentQuery(query);
    const after = query.cursor === undefined ? undefined : placeOf(query.cursor, identity, [0, ''] as const);
    const direction = query.order === 'descending' ? -1 : 1;
    const found = await this.#connection.call(
      `listing ${query.collection}`,
      () =>
        this.#documents
          .find(filterOf(query, after), { ...QUERY, projection: { timeMs: 1, order: 1, document: 1 } })
          .sort({ timeMs: direction, order: direction })
          // One more than asked for: so there is a next page, after the last one of this.
          .limit(query.limit + 1)
          .toArray(),
      QUERY_MAX_TIME_MS,
    );
    const page = found.slice(0, query.limit);
    const last = page.at(-1);
    const documents = page.map(documentOf);
    if (last === undefined || found.length <= query.limit) return { documents };
    return { documents, nextCursor: cursorAfter(identity, [last.timeMs, last.order]) };
  }

  async put(documents: readonly DocumentWrite[]): Promise<void> {
    if (documents.length === 0) return;
    await this.#again('writing documents', () => this.#documents.bulkWrite(upsertsOf(documents), DURABLE));
  }

  async putIfAbsent(document: DocumentWrite): Promise<DocumentWrite> {
    const { _id, ...record } = documentRecord(document);
    const stored = await this.#again(`writing a document of ${document.collection}`, () =>
      this.#documents.findOneAndUpdate(
        { _id },
        { $setOnInsert: record },
        { upsert: true, returnDocument: 'after', ...DURABLE },
      ),
    );
    return stored === null ? document : documentOf(stored);
  }

  async remove(collection: string, id: string): Promise<void> {
    await this.#connection.call(`removing a document of ${collection}`, () =>
      this.#documents.deleteOne({ _id: documentId(collection, id) }, DURABLE),
    );
  }

  /** Inside a transaction. */
  async putWithin(documents: readonly DocumentWrite[], session: ClientSession): Promise<void> {
    if (documents.length > 0) await this.#documents.bulkWrite(upsertsOf(documents), { session });
  }

  /** Two have made a document of one id at once: the second try finds it. */
  async #again<T>(what: string, action: () => Promise<T>): Promise<T> {
    return await this.#connection.call(what, async () => {
      try {
        return await action();
      } catch (error) {
        if (codeOf(error) !== DUPLICATE_KEY) throw error;
        return await action();
      }
    });
  }
}

function upsertsOf(documents: readonly DocumentWrite[]): AnyBulkWriteOperation<DocumentRecord>[] {
  return documents.map((document) => {
    const { _id, ...replacement } = documentRecord(document);
    return { replaceOne: { filter: { _id }, replacement, upsert: true } };
  });
}

/** Values are compared as they are: `$eq` makes no operator of them. */
function filterOf(
  query: DocumentQuery,
  after: readonly [number, string] | undefined,
): Filter<DocumentRecord> {
  const { collection, where = {}, fromMs, toMs, order } = query;
  const wanted = Object.entries(where).map(([name, value]) => ({
    [`fields.${storedName(name)}`]: { $eq: value },
  }));
  const [before, strictly] = order === 'descending' ? ['$lte', '$lt'] : ['$gte', '$gt'];
  const rest =
    after === undefined
      ? []
      : [
          { timeMs: { [before]: after[0] } },
          { $or: [{ timeMs: { [strictly]: after[0] } }, { order: { [strictly]: after[1] } }] },
        ];
  const span = [
    ...(fromMs === undefined ? [] : [{ timeMs: { $gte: fromMs } }]),
    ...(toMs === undefined ? [] : [{ timeMs: { $lt: toMs } }]),
  ];
  return {
    $and: [{ collection: keyText(collection) }, ...span, ...wanted, ...rest],
  } as Filter<DocumentRecord>;
}
