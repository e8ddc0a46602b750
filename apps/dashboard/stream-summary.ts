import { type Fates, NO_FATES, type StreamFates } from './fates-reader.js';
import type { Progress } from './progress-reader.js';
import { isoTime } from './request-query.js';
import type { StreamBoard } from './stream-board.js';

/** How one stream is doing. */
export interface StreamSummary {
  readonly stream: string;
  readonly fates: Fates;
  /** Event time up to which results are complete; null while a task has not reported. */
  readonly watermark: string | null;
  readonly lastWrite: string | null;
}

/** What is known of one stream of a pipeline. */
export function summarizeStream(
  known: { readonly fates: ReadonlyMap<string, StreamFates>; readonly streams: StreamBoard },
  stream: string,
  progress: Progress,
): StreamSummary {
  return {
    stream,
    fates: known.fates.get(stream)?.fates ?? NO_FATES,
    watermark: isoOrNull(progress.watermarkMs(stream)),
    lastWrite: isoOrNull(known.streams.lastWriteMs(stream)),
  };
}

function isoOrNull(timeMs: number | undefined): string | null {
  return timeMs === undefined ? null : isoTime(timeMs);
}
