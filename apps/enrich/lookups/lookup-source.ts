/** What a source knows of a key: fields by name. */
export type LookupRecord = Readonly<Record<string, unknown>>;

/** All rows that a source has, and when they were last known to be the newest: monotonic, in milliseconds. */
export interface HeldRows {
  readonly rows: ReadonlyMap<string, LookupRecord>;
  readonly atMs: number;
}

/** Where look-ups ask. Whatever holds rows by key fits behind it. */
export interface LookupSource {
  /** For messages and labels; never a secret. */
  readonly name: string;
  /** The most keys of one request. */
  readonly maxBatch: number;
  /** Of a source that holds its rows itself: what it had when it could last be read. They serve where it gives no answer. */
  readonly held?: HeldRows | undefined;
  /**
   * The records of these keys; one that is not in the answer does not exist.
   *
   * @param signal aborts when nobody waits any more
   * @throws whatever kept it from answering
   */
  fetch(keys: readonly string[], signal: AbortSignal): Promise<ReadonlyMap<string, LookupRecord>>;
  /** Lets go of what it has opened. */
  close?(): Promise<void>;
}

export function isRecord(value: unknown): value is LookupRecord {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
