import type { Collection } from 'mongodb';
import { type CommitVersion, placeOfRow, type ResultRow } from '#libs/storage';
import { NAMES } from '../collection-names.js';
import type { PartChunk } from '../commits/commit-parts.js';
import { DURABLE, MAJORITY_READ, type MongodbConnection } from '../mongodb-connection.js';
import { outgoingRow, type RowRecord, rowOf } from '../rows/row-record.js';
import type { SeriesCollections } from '../rows/series-collections.js';
import type { SeriesRecord } from '../rows/series-layout.js';
import { startRange } from '../rows/start-range.js';
import { putTableRows } from '../rows/table-rows.js';

/** A row that is not as the commit says that delivered it. */
export interface AuditFinding {
  readonly kind: 'missing' | 'doubled' | 'differing';
  readonly collection: string;
  readonly id: string;
  /** The row as it was committed; of doubled ones that no commit is kept of: unknown. */
  readonly row?: ResultRow;
  readonly repaired?: true;
}

export interface AuditReport {
  /** Delivered commits that rows were compared with. */
  readonly commits: number;
  readonly rows: number;
  readonly missing: number;
  readonly doubled: number;
  readonly differing: number;
  readonly repaired: number;
  /** At most 1,000 of them. */
  readonly findings: readonly AuditFinding[];
}

/** Gives the rows of an outbox. @throws DataDamagedError */
export type OutboxReader = (bytes: Uint8Array, what: string) => readonly ResultRow[];

const MAX_FINDINGS = 1_000;

interface CommittedRow {
  readonly row: ResultRow;
  readonly version: CommitVersion;
}

/** Compares the rows with the delivered outboxes that are still kept, and counts ids that are there twice. */
export class RowAudit {
  readonly #totals = { commits: 0, rows: 0, missing: 0, doubled: 0, differing: 0, repaired: 0 };
  readonly #findings: AuditFinding[] = [];

  constructor(
    private readonly connection: MongodbConnection,
    private readonly collections: SeriesCollections,
    private readonly options: { readonly readOutbox: OutboxReader; readonly repair: boolean },
  ) {}

  async run(): Promise<AuditReport> {
    await this.connection.call('the audit', async () => {
      for (const record of await this.collections.all()) await this.#findDoubled(record);
      const parts = this.connection.collection<PartChunk>(NAMES.parts);
      const outboxes = parts.aggregate<{ _id: string }>([
        { $match: { kind: 'outbox', expires: { $exists: true } } },
        { $group: { _id: '$ref' } },
      ]);
      for await (const { _id } of outboxes) await this.#auditOutbox(parts, _id);
    });
    return { ...this.#totals, findings: this.#findings };
  }

  async #findDoubled(record: SeriesRecord): Promise<void> {
    if (record.mode === 'table') return;
    const doubled = this.collections
      .rows(record)
      .aggregate<{ _id: string; record: RowRecord }>(
        [
          { $group: { _id: '$_id', count: { $sum: 1 }, record: { $first: '$$ROOT' } } },
          { $match: { count: { $gt: 1 } } },
        ],
        { allowDiskUse: true, ...MAJORITY_READ },
      );
    for await (const { _id, record: stored } of doubled)
      this.#note({ kind: 'doubled', collection: record.collection, id: _id, row: rowOf(stored, record) });
  }

  async #auditOutbox(parts: Collection<PartChunk>, ref: string): Promise<void> {
    const chunks = await parts.find({ ref }).sort({ number: 1 }).toArray();
    const [first] = chunks;
    // Gone between the list and now: its time was over.
    if (first === undefined) return;
    const bytes = Buffer.concat(chunks.map(({ content }) => content.buffer.subarray(0, content.position)));
    const rows = this.options.readOutbox(bytes, `outbox ${first.commitSeq} of ${first.task}`);
    this.#totals.commits++;
    const { incarnation, epoch, commitSeq } = first;
    const bySeries = Map.groupBy(rows, ({ pipeline, series }) => JSON.stringify([pipeline, series]));
    for (const group of bySeries.values())
      await this.#auditRows(group.map((row) => ({ row, version: { incarnation, epoch, commitSeq } })));
  }

  async #auditRows(rows: readonly CommittedRow[]): Promise<void> {
    const [{ row }] = rows as [CommittedRow];
    const record = await this.collections.find(row.pipeline, row.series);
    if (record === undefined) return;
    const kept = rows.filter((each) => this.#isKept(each, record));
    this.#totals.rows += kept.length;
    const stored = await this.#storedOf(record, kept);
    const missing: CommittedRow[] = [];
    for (const each of kept) {
      const { _id } = outgoingRow(each.row, each.version, record).record;
      const found = stored.get(_id);
      if (found === undefined || isOutdated(found, each)) missing.push(each);
      else if (isDifferent(found, each, record))
        this.#note({ kind: 'differing', collection: record.collection, id: _id, row: each.row });
    }
    await this.#noteMissing(record, missing);
  }

  #isKept({ row }: CommittedRow, { retentionSeconds }: SeriesRecord): boolean {
    if (retentionSeconds === null) return true;
    return row.windowStartMs >= this.connection.clock.nowMs() - retentionSeconds * 1_000;
  }

  async #storedOf(
    record: SeriesRecord,
    rows: readonly CommittedRow[],
  ): Promise<ReadonlyMap<string, RowRecord>> {
    if (rows.length === 0) return new Map();
    const starts = rows.map(({ row }) => row.windowStartMs);
    const ids = rows.map(({ row, version }) => outgoingRow(row, version, record).record._id);
    const range = startRange(
      starts.reduce((a, b) => Math.min(a, b)),
      starts.reduce((a, b) => Math.max(a, b)) + 1,
    );
    const found = await this.collections
      .rows(record)
      .find({ _id: { $in: ids }, ...range }, MAJORITY_READ)
      .toArray();
    return new Map(found.map((each) => [each._id, each]));
  }

  async #noteMissing(record: SeriesRecord, missing: readonly CommittedRow[]): Promise<void> {
    if (missing.length === 0) return;
    const { repair } = this.options;
    if (repair) await this.#insert(record, missing);
    for (const { row, version } of missing) {
      const { _id } = outgoingRow(row, version, record).record;
      this.#note({
        kind: 'missing',
        collection: record.collection,
        id: _id,
        row,
        ...(repair ? { repaired: true } : {}),
      });
    }
  }

  /** They belong to commits that are known to be delivered: no owner writes them any more. */
  async #insert(record: SeriesRecord, rows: readonly CommittedRow[]): Promise<void> {
    const collection = this.collections.rows(record);
    const [{ version }] = rows as [CommittedRow];
    if (record.mode === 'table') {
      await this.connection.transaction('the repair', (session) =>
        putTableRows(collection, { version, record, rows: rows.map(({ row }) => row), session }),
      );
    } else {
      await collection.insertMany(
        rows.map((each) => outgoingRow(each.row, each.version, record).record),
        DURABLE,
      );
    }
  }

  #note(finding: AuditFinding): void {
    this.#totals[finding.kind]++;
    if (finding.repaired === true) this.#totals.repaired++;
    if (this.#findings.length < MAX_FINDINGS) this.#findings.push(finding);
  }
}

/** A table holds the newest revision alone. */
function isOutdated(stored: RowRecord, { row, version }: CommittedRow): boolean {
  return stored.incarnation === version.incarnation && stored.revision < row.revision;
}

function isDifferent(stored: RowRecord, { row, version }: CommittedRow, record: SeriesRecord): boolean {
  if (stored.revision !== row.revision || stored.incarnation !== version.incarnation) return false;
  return contentOf(rowOf(stored, record)) !== contentOf(row);
}

function contentOf(row: ResultRow): string {
  const { measures, revision, retracted = false, task } = row;
  return JSON.stringify([placeOfRow(row), sorted(measures), revision, retracted, task]);
}

/** The order of fields means nothing. */
function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).filter(([, item]) => item !== undefined);
  return entries.sort(([a], [b]) => (a < b ? -1 : 1)).map(([name, item]) => [name, sorted(item)]);
}
