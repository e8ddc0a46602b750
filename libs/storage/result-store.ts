import type { JsonObject, JsonScalar } from '#libs/kernel';
import type { CommitVersion, TaskId } from './task.js';

/** The result of one window of one series and key: half-open `[windowStartMs, windowEndMs)`. */
export interface ResultRow {
  readonly pipeline: string;
  readonly series: string;
  readonly stream: string;
  /** The values that the series is grouped by, without the stream; `{}` if by stream only. */
  readonly key: Readonly<Record<string, JsonScalar>>;
  readonly windowStartMs: number;
  readonly windowEndMs: number;
  readonly measures: JsonObject;
  /** 0 for the first complete result, then one more for each correction. Provisional rows: the next one. */
  readonly revision: number;
  /** A completed session that was merged into another: this row takes it back. */
  readonly retracted?: true;
  /** The partition of the global task that made it; its watermark decides the phase. */
  readonly task: number;
}

/** A row is replaced by one of the same identity with a higher revision. */
export function rowId(row: Omit<ResultRow, 'measures' | 'revision' | 'task'>): string {
  const key = JSON.stringify(Object.entries(row.key).sort(([a], [b]) => (a < b ? -1 : 1)));
  return `${row.pipeline}/${row.series}/${row.stream}/${row.windowStartMs}/${row.windowEndMs}/${key}`;
}

/** Which rows; intervals are half-open over the window's start. */
export interface RowQuery {
  readonly pipeline: string;
  readonly series: string;
  readonly stream?: string;
  readonly fromMs?: number;
  readonly toMs?: number;
  /** Only rows whose key has these values. */
  readonly key?: Readonly<Record<string, string>>;
  /** By window start, then stream, then key. Default `ascending`. */
  readonly order?: 'ascending' | 'descending';
  /** At most so many rows, 1 to 10,000. */
  readonly limit: number;
  /** From a former page of the same query. */
  readonly cursor?: string;
}

/** `provisional`: from the view of open windows, not committed. */
export interface FoundRow extends ResultRow {
  readonly provisional: boolean;
}

export interface RowPage {
  readonly rows: readonly FoundRow[];
  /** Absent on the last page. */
  readonly nextCursor?: string;
}

/** A write of {@link DocumentStore} that rides with the rows of a commit. */
export interface DocumentWrite {
  readonly collection: string;
  readonly id: string;
  /** Place in time of the document, epoch milliseconds; documents are listed by it. */
  readonly timeMs: number;
  /** What can be asked for; scalars only. */
  readonly fields: Readonly<Record<string, string | number | boolean>>;
  readonly body: JsonObject;
}

/** What a commit puts into the stores. */
export interface ResultItems {
  readonly rows: readonly ResultRow[];
  readonly documents: readonly DocumentWrite[];
}

/** Whose outbox it is. Writers check it where the sink can't repeat a write without harm. */
export interface DeliveryFence {
  readonly task: TaskId;
  readonly version: CommitVersion;
  /** After a start: the newest commit that a former owner may have delivered. Default: the commit of `version`. */
  readonly newestCommitSeq?: number;
}

/** What a store promises about rows that are delivered again, or by a former owner. */
export interface RowGuarantee {
  readonly guarantee: 'exactly-once' | 'at-least-once';
  /** How it is kept, or what it does not cover; a sentence for people. */
  readonly note: string;
}

/**
 * Where results end up.
 *
 * Obligations: `deliver` may be called again with the same items after any failure, and leaves what one call
 * leaves; a row never replaces one of a higher revision; rows and documents of one call may become visible one
 * by one, in order, rows first. A store that several processes share refuses the delivery of a former owner, rows
 * and documents alike, with DeliveryFencedError once a later one has delivered. Every adapter runs
 * `describeResultStoreContract` of `libs/testing`.
 */
export abstract class ResultStore {
  /** What is promised about rows; the weaker one where the server lacks what the stronger one stands on. */
  get rowGuarantee(): RowGuarantee {
    return { guarantee: 'exactly-once', note: 'A row replaces only an older revision of itself.' };
  }

  abstract deliver(fence: DeliveryFence, items: ResultItems): Promise<void>;
  /** The newest revision of each row, provisional ones where nothing of the same or a higher revision is committed. */
  abstract query(query: RowQuery): Promise<RowPage>;
  /** Names of the series that have rows, with their streams. */
  abstract series(
    pipeline: string,
  ): Promise<readonly { readonly series: string; readonly streams: readonly string[] }[]>;
  /**
   * Upserts into the bounded view of open windows. Best effort: lost on a crash, refilled by the next change.
   * Older entries go first where there are more than the view holds.
   */
  abstract putOpenWindows(rows: readonly ResultRow[]): Promise<void>;
  /** Takes entries out of the view: their windows are complete. */
  abstract removeOpenWindows(rows: readonly ResultRow[]): Promise<void>;
  /** Resolves if the store can be written and read now; rejects with the reason. */
  abstract checkHealth(): Promise<void>;
}
