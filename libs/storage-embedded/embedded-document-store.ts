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
import { rangeBetween } from './page-range.js';
import type { StoreDatabase } from './store-database.js';

type TimeKey = [collection: string, timeMs: number, id: string];

export class EmbeddedDocumentStore extends DocumentStore {
  readonly #database: StoreDatabase;

  constructor(database: StoreDatabase) {
    super();
    this.#database = database;
  }

  async get(collection: string, id: string): Promise<DocumentWrite | undefined> {
    this.#database.assertOpen();
    return this.#get(collection, id);
  }

  async find(query: DocumentQuery): Promise<DocumentPage> {
    this.#database.assertOpen();
    assertLimit(query.limit);
    const documents: DocumentWrite[] = [];
    for (const document of this.#from(query)) {
      if (!hasFields(document, query.where)) continue;
      // One more than asked for: so there is a next page, after the last one of this.
      if (documents.length === query.limit) {
        return {
          documents,
          nextCursor: cursorAfter(identityOfDocumentQuery(query), placeOfDocument(documents.at(-1)!)),
        };
      }
      documents.push(document);
    }
    return { documents };
  }

  async put(documents: readonly DocumentWrite[]): Promise<void> {
    await this.#database.write(() => this.putNow(documents));
  }

  async putIfAbsent(document: DocumentWrite): Promise<DocumentWrite> {
    return await this.#database.write(() => {
      const found = this.#get(document.collection, document.id);
      if (found === undefined) this.putNow([document]);
      return found ?? document;
    });
  }

  async remove(collection: string, id: string): Promise<void> {
    await this.#database.write(() => this.#removeNow(collection, id));
  }

  /** Inside a transaction. */
  putNow(documents: readonly DocumentWrite[]): void {
    const { documents: table, documentTimes } = this.#database.tables;
    for (const document of documents) {
      const [collection, timeMs, id] = timeKey(document);
      const formerMs = documentTimes.get([collection, id]);
      if (formerMs !== undefined && formerMs !== timeMs) table.remove([collection, formerMs, id]);
      table.put([collection, timeMs, id], document);
      if (formerMs !== timeMs) documentTimes.put([collection, id], timeMs);
    }
  }

  #removeNow(collection: string, id: string): void {
    const { documents, documentTimes } = this.#database.tables;
    const timeMs = documentTimes.get([keyText(collection), keyText(id)]);
    if (timeMs === undefined) return;
    documents.remove([keyText(collection), timeMs, keyText(id)]);
    documentTimes.remove([keyText(collection), keyText(id)]);
  }

  #get(collection: string, id: string): DocumentWrite | undefined {
    const { documents, documentTimes } = this.#database.tables;
    const timeMs = documentTimes.get([keyText(collection), keyText(id)]);
    return timeMs === undefined ? undefined : documents.get([keyText(collection), timeMs, keyText(id)]);
  }

  *#from(query: DocumentQuery): Iterable<DocumentWrite> {
    const after =
      query.cursor === undefined
        ? undefined
        : placeOf(query.cursor, identityOfDocumentQuery(query), [0, ''] as const);
    const range = rangeBetween(keyText(query.collection), query, after);
    for (const { key, value } of this.#database.tables.documents.getRange(range)) {
      const isLastOne = after !== undefined && key[1] === after[0] && key[2] === after[1];
      if (!isLastOne) yield value;
    }
  }
}

function timeKey(document: DocumentWrite): TimeKey {
  return [keyText(document.collection), document.timeMs, keyText(document.id)];
}

function placeOfDocument(document: DocumentWrite): readonly [number, string] {
  return [document.timeMs, keyText(document.id)];
}

function hasFields({ fields }: DocumentWrite, where: DocumentQuery['where']): boolean {
  return Object.entries(where ?? {}).every(([name, value]) => fields[name] === value);
}
