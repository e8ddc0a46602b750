import {
  type CommitVersion,
  compareVersions,
  type DeliveryFence,
  type DocumentPage,
  type DocumentQuery,
  DocumentStore,
  type DocumentWrite,
  type FoundRow,
  type ResultRow,
  ResultStore,
  rowId,
  type RowPage,
  type RowQuery,
  taskName,
} from '#libs/storage';
import type { CallKind } from './fault-plan.js';
import { pageOf } from './model-pages.js';
import type { SimulatedProcess } from './simulated-process.js';

interface StoredDocument {
  readonly document: DocumentWrite;
  /** Whose outbox it came with; absent: it was put by hand. */
  readonly writer?: { readonly task: string; readonly version: CommitVersion };
}

/** What survives the processes: rows and documents. */
export class ModelResults {
  readonly rows = new Map<string, ResultRow>();
  readonly openWindows = new Map<string, ResultRow>();
  readonly #documents = new Map<string, Map<string, StoredDocument>>();

  /** @param share below 1: only the first of them */
  deliver(
    { task, version }: DeliveryFence,
    {
      rows,
      documents,
    }: { readonly rows: readonly ResultRow[]; readonly documents: readonly DocumentWrite[] },
    share = 1,
  ): void {
    const count = Math.ceil((rows.length + documents.length) * share);
    for (const row of rows.slice(0, count)) this.#putRow(row);
    const writer = { task: taskName(task), version };
    for (const document of documents.slice(0, Math.max(0, count - rows.length)))
      this.#putDocument(document, writer);
  }

  collection(name: string): Map<string, StoredDocument> {
    const known = this.#documents.get(name) ?? new Map<string, StoredDocument>();
    this.#documents.set(name, known);
    return known;
  }

  #putRow(row: ResultRow): void {
    const id = rowId(row);
    if ((this.rows.get(id)?.revision ?? -1) <= row.revision) this.rows.set(id, copyOf(row));
  }

  #putDocument(document: DocumentWrite, writer: NonNullable<StoredDocument['writer']>): void {
    const collection = this.collection(document.collection);
    const former = collection.get(document.id)?.writer;
    // A former owner that wakes up late must not bring back what it has delivered before.
    const isStale = former?.task === writer.task && compareVersions(former.version, writer.version) > 0;
    if (!isStale) collection.set(document.id, { document: copyOf(document), writer });
  }
}

function copyOf<T>(value: T): T {
  return JSON.parse(JSON.stringify(value)) as T;
}

/** The rows as one process sees them. */
export class ModelResultStore extends ResultStore {
  constructor(
    private readonly results: ModelResults,
    private readonly process: SimulatedProcess,
  ) {
    super();
  }

  async deliver(
    fence: DeliveryFence,
    items: { readonly rows: readonly ResultRow[]; readonly documents: readonly DocumentWrite[] },
  ): Promise<void> {
    const call = { kind: 'deliver', target: taskName(fence.task) } as const;
    await this.process.call(call, (share) => this.results.deliver(fence, items, share));
  }

  async query(query: RowQuery): Promise<RowPage> {
    return await this.#ask(() => {
      const { items, nextCursor } = pageOf(this.#found(query), query, placeOfRow);
      return { rows: items, ...(nextCursor === undefined ? {} : { nextCursor }) };
    });
  }

  async series(
    pipeline: string,
  ): Promise<readonly { readonly series: string; readonly streams: readonly string[] }[]> {
    return await this.#ask(() => {
      const found = new Map<string, Set<string>>();
      const all = [...this.results.rows.values(), ...this.results.openWindows.values()];
      for (const row of all.filter((one) => one.pipeline === pipeline))
        found.set(row.series, (found.get(row.series) ?? new Set()).add(row.stream));
      return [...found].map(([series, streams]) => ({ series, streams: [...streams] }));
    });
  }

  async putOpenWindows(rows: readonly ResultRow[]): Promise<void> {
    await this.#ask(() => rows.forEach((row) => this.results.openWindows.set(rowId(row), copyOf(row))));
  }

  async removeOpenWindows(rows: readonly ResultRow[]): Promise<void> {
    await this.#ask(() => rows.forEach((row) => this.results.openWindows.delete(rowId(row))));
  }

  async checkHealth(): Promise<void> {
    await this.#ask(() => undefined);
  }

  #found(query: RowQuery): FoundRow[] {
    const { rows, openWindows } = this.results;
    const committed = [...rows.values()].map((row) => ({ ...row, provisional: false }));
    const open = [...openWindows.values()].map((row) => ({ ...row, provisional: true }));
    const isNewer = (row: ResultRow, than: ResultRow | undefined): boolean =>
      than === undefined || row.revision > than.revision;
    return [
      ...committed.filter(
        (row) => !openWindows.has(rowId(row)) || !isNewer(openWindows.get(rowId(row))!, row),
      ),
      ...open.filter((row) => isNewer(row, rows.get(rowId(row)))),
    ].filter((row) => isWanted(row, query));
  }

  #ask<T>(effect: () => T): Promise<T> {
    return ask(this.process, 'query', effect);
  }
}

function ask<T>(process: SimulatedProcess, kind: CallKind, effect: () => T): Promise<T> {
  return process.call({ kind, target: 'results' }, effect);
}

function isWanted(row: ResultRow, query: RowQuery): boolean {
  const { pipeline, series, stream = row.stream, fromMs = -Infinity, toMs = Infinity, key = {} } = query;
  return (
    row.pipeline === pipeline &&
    row.series === series &&
    row.stream === stream &&
    row.windowStartMs >= fromMs &&
    row.windowStartMs < toMs &&
    Object.entries(key).every(([name, value]) => name in row.key && String(row.key[name]) === value)
  );
}

function placeOfRow(row: ResultRow): readonly (string | number)[] {
  const key = JSON.stringify(Object.entries(row.key).sort(([a], [b]) => (a < b ? -1 : 1)));
  return [row.windowStartMs, row.stream, key, row.windowEndMs];
}

/** The documents as one process sees them. */
export class ModelDocumentStore extends DocumentStore {
  constructor(
    private readonly results: ModelResults,
    private readonly process: SimulatedProcess,
  ) {
    super();
  }

  async get(collection: string, id: string): Promise<DocumentWrite | undefined> {
    return await ask(this.process, 'query', () => this.results.collection(collection).get(id)?.document);
  }

  async find(query: DocumentQuery): Promise<DocumentPage> {
    return await ask(this.process, 'query', () => {
      const { collection, where = {}, fromMs = -Infinity, toMs = Infinity } = query;
      const found = [...this.results.collection(collection).values()]
        .map(({ document }) => document)
        .filter(({ timeMs }) => timeMs >= fromMs && timeMs < toMs)
        .filter(({ fields }) => Object.entries(where).every(([name, value]) => fields[name] === value));
      const { items, nextCursor } = pageOf(found, query, ({ timeMs, id }) => [timeMs, id]);
      return { documents: items, ...(nextCursor === undefined ? {} : { nextCursor }) };
    });
  }

  async put(documents: readonly DocumentWrite[]): Promise<void> {
    await ask(this.process, 'query', () => {
      for (const document of documents)
        this.results.collection(document.collection).set(document.id, { document: copyOf(document) });
    });
  }

  async putIfAbsent(document: DocumentWrite): Promise<DocumentWrite> {
    return await ask(this.process, 'query', () => {
      const collection = this.results.collection(document.collection);
      const stored = collection.get(document.id) ?? { document: copyOf(document) };
      collection.set(document.id, stored);
      return stored.document;
    });
  }

  async remove(collection: string, id: string): Promise<void> {
    await ask(this.process, 'query', () => this.results.collection(collection).delete(id));
  }
}
