/**
 * What one task tells those behind it about a stream; as it travels in the header of a frame. Empty: the stream
 * exists.
 */
export interface StreamProgress {
  /** No event of the stream below this is on time any more; epoch milliseconds. */
  readonly watermarkMs?: number;
  /** Windows that start at or before `untilMs` are final. */
  readonly closed?: { readonly closeId: string; readonly untilMs: number };
}

/** `closed.untilMs` of a stream that was closed before it had any event: the first moment a Date can say. */
export const NOTHING_TO_CLOSE_MS = -8_640_000_000_000_000;
