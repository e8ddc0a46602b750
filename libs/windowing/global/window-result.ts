import type { JsonObject, JsonScalar } from '#libs/kernel';

/** Which result: there is one row, in its newest revision, for each. */
export interface RowIdentity {
  readonly series: string;
  readonly stream: string;
  readonly key: Readonly<Record<string, JsonScalar>>;
  readonly windowStartMs: number;
  readonly windowEndMs: number;
}

/** The result of one window of one series, stream and key. It replaces the one of the same identity before it. */
export interface WindowResult extends RowIdentity {
  readonly measures: JsonObject;
  /** 0 for the first complete result, then one more for each correction. Provisional rows: the next one. */
  readonly revision: number;
  /** A completed session that was merged into another: this row takes it back. */
  readonly retracted?: true;
}
