import type { DocumentWrite } from './result-store.js';

/** Which documents of a collection; the interval is half-open over their time. */
export interface DocumentQuery {
  readonly collection: string;
  /** Only documents whose fields have these values. */
  readonly where?: Readonly<Record<string, string | number | boolean>>;
  readonly fromMs?: number;
  readonly toMs?: number;
  /** By time, then id. Default `ascending`. */
  readonly order?: 'ascending' | 'descending';
  /** At most so many, 1 to 10,000. */
  readonly limit: number;
  /** From a former page of the same query. */
  readonly cursor?: string;
}

export interface DocumentPage {
  readonly documents: readonly DocumentWrite[];
  /** Absent on the last page. */
  readonly nextCursor?: string;
}

/** The names of the collections, so that writers and readers agree. */
export const COLLECTIONS = {
  /** The state of each alert fingerprint: its newest episode. */
  alerts: 'alerts',
  /** Every transition of every episode. */
  alertTransitions: 'alert-transitions',
  silences: 'silences',
  deadLetters: 'dead-letters',
  /** Which dead letters were sent again, by the letter's id. */
  redrives: 'redrives',
  /** How events ended, per local task and stream: counts, exactly once. */
  fates: 'fates',
  /** Delivered watermark and `closed` of each global task and stream: decides the phase of rows. */
  progress: 'progress',
  /** The series that window functions make, for whoever shows their rows. */
  functionSeries: 'function-series',
  /** Small things that must outlive a process, such as the salt of visitor ids. */
  settings: 'settings',
} as const;

/**
 * Small documents beside the rows: upserted by id, listed by time. A document whose time changes moves.
 * Every adapter runs `describeDocumentStoreContract` of `libs/testing`.
 */
export abstract class DocumentStore {
  abstract get(collection: string, id: string): Promise<DocumentWrite | undefined>;
  abstract find(query: DocumentQuery): Promise<DocumentPage>;
  /** Durable when it resolves. */
  abstract put(documents: readonly DocumentWrite[]): Promise<void>;
  /** Stores the document unless there is one of that id; gives the one that is there then. */
  abstract putIfAbsent(document: DocumentWrite): Promise<DocumentWrite>;
  abstract remove(collection: string, id: string): Promise<void>;
}
