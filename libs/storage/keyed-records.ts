/** Which records, of whom. */
export interface RecordQuery {
  readonly collection: string;
  /** The field that records are known by. */
  readonly keyField: string;
  /** As texts: a number or an id of the database is found by how it is written. */
  readonly keys: readonly string[];
  /** The answer is worth nothing after so long, > 0: the database stops looking for it too. */
  readonly timeoutMs: number;
}

/** A record as JSON has it: what the database has other kinds for is text or a number. */
export type KeyedRecord = Readonly<Record<string, unknown>>;

/** Records that somebody else keeps in a database, to be looked up by key. Nothing is ever written. */
export abstract class KeyedRecords {
  /** Is there a database to ask. */
  abstract readonly isConfigured: boolean;
  /**
   * The records of these keys, each under its key as it was asked for; of several with the same key any one. What is not in the
   * answer does not exist.
   *
   * @throws PlatformError where the database does not answer
   */
  abstract find(query: RecordQuery): Promise<ReadonlyMap<string, KeyedRecord>>;
}
