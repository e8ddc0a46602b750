/**
 * One thing that happened, as it travels through a pipeline. Maps to a CloudEvents 1.0 event:
 * `id`, `type`, `time` and `data` as they stand, `source` from the stream.
 */
export interface StreamEvent<T = unknown> {
  /** Unique within the pipeline; the sender's where it gave one. Repeats of an id count once. */
  readonly id: string;
  /** The source of events that has its own sense of time, e.g. `web`. */
  readonly stream: string;
  /** When it happened: epoch milliseconds, may be negative. */
  readonly timeMs: number;
  /** When ingest received it: epoch milliseconds of ingest's clock. */
  readonly receivedMs: number;
  /** Partition key. Without one, the id decides the partition. */
  readonly key?: string;
  /** The name of its schema, e.g. `web-request@1`. */
  readonly type: string;
  readonly data: T;
}

/** The most bytes one event may take as JSON: 256 KiB. */
export const MAX_EVENT_BYTES = 256 * 1024;

/** What {@link isStreamName} wants, for messages to people. */
export const STREAM_NAME_RULE = 'a lower-case letter or digit, then up to 62 of a-z 0-9 . _ -';

const STREAM_NAME = /^[a-z0-9][a-z0-9._-]{0,62}$/;

/** Is it a legal name of a stream (see {@link STREAM_NAME_RULE}). */
export function isStreamName(name: string): boolean {
  return STREAM_NAME.test(name);
}
