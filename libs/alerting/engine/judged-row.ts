import type { JsonObject, JsonScalar } from '#libs/kernel';

/** A complete row, or a correction of one, as rules look at it: a part of what the result store holds. */
export interface JudgedRow {
  readonly series: string;
  readonly stream: string;
  /** Without the stream. */
  readonly key: Readonly<Record<string, JsonScalar>>;
  readonly windowStartMs: number;
  readonly windowEndMs: number;
  readonly measures: JsonObject;
  /** 0 for the first complete result; above: a correction. */
  readonly revision: number;
  readonly retracted?: true;
  /** The global task that made it: its watermark tells how far the row's stream has come. */
  readonly task: number;
}
