import type { JsonObject } from '#libs/kernel';
import { type OutgoingMessage, publicMessage, type StreamProgress } from '#libs/messaging';
import { COLLECTIONS, type DocumentWrite, type ResultRow, rowId } from '#libs/storage';
import { NOTHING_TO_CLOSE_MS } from '#libs/windowing';
import type { ProgressDocument } from './global-stage.js';
import { placementKey } from './placement.js';

/** The type of the messages on `<pipeline>.results`, in CloudEvents' words. */
export const RESULT_EVENT_TYPE = 'com.millrace.result.v1';

/** One row as a public message: the same revision has the same id, whenever it is made. */
export function resultMessage(row: ResultRow): OutgoingMessage {
  return publicMessage({
    id: `${rowId(row)}/${row.revision}`,
    source: `/pipelines/${row.pipeline}/streams/${row.stream}`,
    type: RESULT_EVENT_TYPE,
    subject: row.series,
    timeMs: row.windowEndMs,
    key: placementKey(row),
    data: row,
  });
}

/**
 * Delivered progress of a stream at a global task, which decides the phase of its rows.
 *
 * @param owner the pipeline; for a window function `<pipeline>.<function>`, since it has a sense of time of its own
 */
export function progressDocument(
  { owner, pipeline, partition }: { owner: string; pipeline: string; partition: number },
  { stream, progress, upstream }: ProgressDocument,
): DocumentWrite {
  return {
    collection: COLLECTIONS.progress,
    id: `${owner}/${partition}/${stream}`,
    timeMs: 0,
    fields: { pipeline, stream, partition },
    body: { ...progressBody(progress), upstream },
  };
}

function progressBody({ watermarkMs, closed }: StreamProgress): JsonObject {
  if (closed === undefined) return { watermarkMs };
  const { closeId, untilMs } = closed;
  // A close of a stream without events is done, too, but has no time.
  return { watermarkMs, closed: untilMs === NOTHING_TO_CLOSE_MS ? { closeId } : { closeId, untilMs } };
}
