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
  /** Only of an event that was sent again out of the dead letters. */
  readonly again?: SentAgain;
}

/** Where an event comes from that was sent again. Its id is `<id>/r<times>`, so that sending twice counts once. */
export interface SentAgain {
  /** Of the event as it first came. */
  readonly id: string;
  /** From 1: how often it was sent again by now. */
  readonly times: number;
  /** The stage or function on which it had failed: the others pass over it. Absent: it begins its way anew. */
  readonly to?: string;
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

/** The most bytes of the original that a dead letter keeps. */
export const MAX_DEAD_ORIGINAL_BYTES = 8 * 1024;

/**
 * An event, or a line, that could not be processed. It travels in the place of the event, so that it is counted
 * once, and ends on `<pipeline>.dead` and in the dead letters.
 */
export interface DeadEvent {
  /** The id the event has or would have had; the dead letter's identity. */
  readonly id: string;
  readonly stream: string;
  readonly receivedMs: number;
  readonly dead: {
    /** Stable, a row in docs/errors.md. */
    readonly code: string;
    /** A sentence: what was found and what would be right. */
    readonly reason: string;
    /** Which app or function gave up. */
    readonly stage: string;
    /** Came as a line of a log, not as an event. */
    readonly isLogLine?: true;
    /** Where it stood in the request: 1-based line number (`logs`, NDJSON), or 0-based index of the array. */
    readonly line?: number;
    readonly index?: number;
    /** JSON pointer of the offending field. */
    readonly path?: string;
    readonly attempts: number;
    /** As it came, cut to {@link MAX_DEAD_ORIGINAL_BYTES}. */
    readonly original: string;
    readonly originalBytes: number;
  };
}

/** Is this item of a frame an event that could not be processed. */
export function isDeadEvent(item: StreamEvent | DeadEvent): item is DeadEvent {
  return 'dead' in item;
}
