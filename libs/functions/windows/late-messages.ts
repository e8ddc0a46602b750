import type { StreamEvent } from '#libs/kernel';
import { type OutgoingMessage, publicMessage } from '#libs/messaging';
import type { LateArrival } from '#libs/windowing';

/** The type of the messages on `<pipeline>.late`, in CloudEvents' words. */
export const LATE_EVENT_TYPE = 'com.millrace.late.v1';

/** The ends of what a Date can say; event times beyond are data, and must not stop a task. */
const MAX_DATE_MS = 8_640_000_000_000_000;

/** An event time that a Date can say. */
export function withinDates(timeMs: number): number {
  return Math.min(MAX_DATE_MS, Math.max(-MAX_DATE_MS, timeMs));
}

/** What a series was too late for: one message for each series that refused the event. */
export function lateMessage(
  pipeline: string,
  event: StreamEvent,
  { series, window, lateByMs }: LateArrival,
): OutgoingMessage {
  const data = { reason: 'late', byMs: lateByMs, series, window, event };
  return message(pipeline, `${event.id}/${series}`, data);
}

/** @param who refused it, where that is not the pipeline itself */
export function futureMessage(
  pipeline: string,
  event: StreamEvent,
  byMs: number,
  who?: string,
): OutgoingMessage {
  const series = who === undefined ? {} : { series: who };
  const id = who === undefined ? `${event.id}/future` : `${event.id}/${who}/future`;
  return message(pipeline, id, { reason: 'future', byMs, ...series, event });
}

/** What state has no room or no answer for any more. */
export function droppedMessage(
  pipeline: string,
  event: StreamEvent,
  { reason, byMs, who }: { readonly reason: string; readonly byMs: number; readonly who: string },
): OutgoingMessage {
  return message(pipeline, `${event.id}/${who}`, { reason, byMs, series: who, event });
}

function message(
  pipeline: string,
  id: string,
  data: {
    readonly reason: string;
    readonly byMs: number;
    readonly event: StreamEvent;
    readonly series?: string;
  },
): OutgoingMessage {
  const { stream, timeMs } = data.event;
  return publicMessage({
    id,
    source: `/pipelines/${pipeline}/streams/${stream}`,
    type: LATE_EVENT_TYPE,
    subject: data.reason,
    timeMs: withinDates(timeMs),
    key: stream,
    data,
  });
}
