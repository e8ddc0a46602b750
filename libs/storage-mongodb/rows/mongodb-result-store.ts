import {
  assertLimit,
  type DeliveryFence,
  type DocumentWrite,
  type PlacedRow,
  type ResultRow,
  ResultStore,
  type RowGuarantee,
  type RowPage,
  type RowQuery,
  taskName,
} from '#libs/storage';
import { FACTS, type Telemetry } from '#libs/observability';
import { NAMES } from '../collection-names.js';
import type { MongodbDocumentStore } from '../documents/mongodb-document-store.js';
import { DURABLE, MAJORITY_READ, type MongodbConnection, QUERY_MAX_TIME_MS } from '../mongodb-connection.js';
import { codeOf } from '../store-failure.js';
import type { TaskSessions } from '../task-sessions.js';
import type { FencedInsert } from './fenced-insert.js';
import type { OpenWindowView } from './open-window-view.js';
import { outgoingRow, type RowRecord, storedRow, type StoredRow } from './row-record.js';
import { matchOf, pageOfRows, placeBefore, spanOf, type StartSpan } from './row-query.js';
import type { SeriesCollections } from './series-collections.js';
import { seriesId, type SeriesRecord } from './series-layout.js';
import { TaskFences } from './task-fences.js';
import { putTableRows } from './table-rows.js';

const HEALTH_TIMEOUT_MS = 1_500;
const DUPLICATE_KEY = 11_000;
/** So many rows come at once from the server. */
const MAX_BATCH = 2_000;

export interface ResultStoreParts {
  readonly connection: MongodbConnection;
  readonly sessions: TaskSessions;
  readonly telemetry: Telemetry;
  readonly documents: MongodbDocumentStore;
  readonly collections: SeriesCollections;
  readonly insert: FencedInsert;
  readonly openWindows: OpenWindowView;
  readonly guarantee: RowGuarantee;
}

interface SeriesRows {
  readonly record: SeriesRecord;
  readonly rows: readonly ResultRow[];
}

export class MongodbResultStore extends ResultStore {
  readonly #parts: ResultStoreParts;
  readonly #fences: TaskFences;

  constructor(parts: ResultStoreParts) {
    super();
    this.#parts = parts;
    this.#fences = new TaskFences(parts.connection);
  }

  override get rowGuarantee(): RowGuarantee {
    return this.#parts.guarantee;
  }

  async deliver(
    fence: DeliveryFence,
    {
      rows,
      documents,
    }: { readonly rows: readonly ResultRow[]; readonly documents: readonly DocumentWrite[] },
  ): Promise<void> {
    if (rows.length === 0 && documents.length === 0) return;
    const { connection } = this.#parts;
    const what = `the delivery of ${taskName(fence.task)}`;
    const groups = await connection.call(what, () => this.#groupsOf(rows));
    const [tables, series] = [groups.filter(isTable), groups.filter((group) => !isTable(group))];
    await connection.call(what, () => this.#insertAll(fence, series));
    if (tables.length === 0 && documents.length === 0) return;
    const owner = { task: fence.task, epoch: fence.version.epoch, purpose: 'deliver' } as const;
    await this.#parts.sessions.transaction(owner, what, async (session) => {
      await this.#fences.pass(fence, session);
      for (const { record, rows: newest } of tables)
        await putTableRows(this.#parts.collections.rows(record), {
          version: fence.version,
          record,
          rows: newest,
          session,
        });
      await this.#parts.documents.putWithin(documents, session);
    });
  }

  async query(query: RowQuery): Promise<RowPage> {
    assertLimit(query.limit);
    const span = spanOf(query, placeBefore(query));
    const { connection, openWindows } = this.#parts;
    return await connection.call(
      `a query of ${query.series}`,
      async () => {
        const sources = [
          this.#committed(query, span),
          asStored(openWindows.find(query, span.fromMs, span.toMs)),
        ];
        return await pageOfRows(sources, query, isNewer);
      },
      QUERY_MAX_TIME_MS,
    );
  }

  async series(
    pipeline: string,
  ): Promise<readonly { readonly series: string; readonly streams: readonly string[] }[]> {
    const { connection, collections, openWindows } = this.#parts;
    const found = await connection.call(`listing the series of ${pipeline}`, () =>
      Promise.all([collections.streams(pipeline), openWindows.streams(pipeline)]),
    );
    const bySeries = new Map<string, Set<string>>();
    for (const { series, stream } of found.flat())
      bySeries.set(series, (bySeries.get(series) ?? new Set<string>()).add(stream));
    return [...bySeries]
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([series, streams]) => ({ series, streams: [...streams].sort() }));
  }

  async putOpenWindows(rows: readonly ResultRow[]): Promise<void> {
    await this.#parts.connection.call('writing open windows', () => this.#parts.openWindows.put(rows));
  }

  async removeOpenWindows(rows: readonly ResultRow[]): Promise<void> {
    await this.#parts.connection.call('removing open windows', () => this.#parts.openWindows.remove(rows));
  }

  async checkHealth(): Promise<void> {
    const { connection } = this.#parts;
    const health = connection.collection<{ _id: string; checked: Date }>(NAMES.health);
    const update = [{ $set: { checked: '$$NOW' } }];
    const writing = connection.call('the health check', async () => {
      const options = { upsert: true, maxTimeMS: HEALTH_TIMEOUT_MS, ...DURABLE };
      await health.updateOne({ _id: 'health' }, update, options).catch((error: unknown) => {
        if (codeOf(error) !== DUPLICATE_KEY) throw error;
      });
      await health.findOne({ _id: 'health' }, MAJORITY_READ);
    });
    await connection.within(HEALTH_TIMEOUT_MS, writing);
  }

  /** By series, without those that are older than they would be kept. */
  async #groupsOf(rows: readonly ResultRow[]): Promise<readonly SeriesRows[]> {
    const { collections } = this.#parts;
    const bySeries = bySeriesId(rows);
    await collections.registerStreams(rows);
    const groups = [...bySeries.values()].map(async (group): Promise<SeriesRows> => {
      const { pipeline, series } = group[0]!;
      const record = await collections.ensure(pipeline, series);
      return { record, rows: this.#withinRetention(record, group) };
    });
    return (await Promise.all(groups)).filter((group) => group.rows.length > 0);
  }

  /** The server would remove them at once: they are not written, but counted. */
  #withinRetention(
    { pipeline, series, retentionSeconds }: SeriesRecord,
    rows: readonly ResultRow[],
  ): readonly ResultRow[] {
    if (retentionSeconds === null) return rows;
    const { connection, telemetry } = this.#parts;
    const oldestMs = connection.clock.nowMs() - retentionSeconds * 1_000;
    const kept = rows.filter(({ windowStartMs }) => windowStartMs >= oldestMs);
    if (kept.length < rows.length)
      telemetry.record(FACTS.rowsBeyondRetention, { pipeline, series }, rows.length - kept.length);
    return kept;
  }

  async #insertAll(fence: DeliveryFence, groups: readonly SeriesRows[]): Promise<void> {
    const inserts = groups.map(({ record, rows }) =>
      this.#parts.insert.insert(record.collection, fence, () =>
        rows.map((row) => outgoingRow(row, fence.version, record)),
      ),
    );
    // All of them end before the call does: nothing of it goes on behind its back.
    const outcomes = await Promise.allSettled(inserts);
    for (const outcome of outcomes) if (outcome.status === 'rejected') throw outcome.reason;
  }

  async *#committed(query: RowQuery, span: StartSpan): AsyncGenerator<StoredRow> {
    const { collections } = this.#parts;
    const record = await collections.find(query.pipeline, query.series);
    if (record === undefined || span.fromMs >= span.toMs) return;
    const found = collections
      .rows(record)
      .aggregate<RowRecord>(
        [
          { $match: matchOf(query, span, record) },
          { $sort: { start: query.order === 'descending' ? -1 : 1 } },
        ],
        {
          ...MAJORITY_READ,
          maxTimeMS: QUERY_MAX_TIME_MS,
          allowDiskUse: true,
          batchSize: Math.min(MAX_BATCH, query.limit + 2),
        },
      );
    try {
      for await (const row of found) yield storedRow(row, record);
    } finally {
      await found.close();
    }
  }
}

function bySeriesId(rows: readonly ResultRow[]): ReadonlyMap<string, readonly ResultRow[]> {
  const groups = new Map<string, ResultRow[]>();
  let group: ResultRow[] = [];
  for (const row of rows) {
    const [former] = group;
    // Rows of one series mostly come together.
    if (former?.series !== row.series || former.pipeline !== row.pipeline) {
      const id = seriesId(row);
      group = groups.get(id) ?? [];
      groups.set(id, group);
    }
    group.push(row);
  }
  return groups;
}

function isTable({ record }: SeriesRows): boolean {
  return record.mode === 'table';
}

/** Provisional rows stand behind every committed one of the same or a higher revision, of whichever incarnation. */
async function* asStored(rows: AsyncIterable<PlacedRow>): AsyncGenerator<StoredRow> {
  for await (const row of rows) yield { ...row, incarnation: -1, commitSeq: -1 };
}

function isNewer(candidate: StoredRow, than: StoredRow): boolean {
  const byRevision = candidate.row.revision - than.row.revision;
  if (candidate.provisional !== than.provisional)
    return byRevision > 0 || (byRevision === 0 && than.provisional);
  return (candidate.incarnation - than.incarnation || byRevision || candidate.commitSeq - than.commitSeq) > 0;
}
