import type { Outputs } from '#libs/functions';
import type { DeadEvent, StreamEvent } from '#libs/kernel';
import { type PublicEvent, partitionOf, publicMessage, type TopicNoun } from '#libs/messaging';
import { COLLECTIONS } from '#libs/storage';
import type { LateArrival } from '#libs/windowing';

/** The types of the messages, in CloudEvents' words. */
export const LATE_EVENT_TYPE = 'com.millrace.late.v1';
export const DEAD_EVENT_TYPE = 'com.millrace.dead.v1';

/** The ends of what a Date can say; event times beyond are data, and must not stop a task. */
const MAX_DATE_MS = 8_640_000_000_000_000;

export interface RefusedEventsOptions {
  readonly pipeline: string;
  /** The full name of the pipeline's topic. */
  readonly topic: (noun: TopicNoun) => string;
  readonly partitionsOf: (noun: TopicNoun) => number;
}

/** Puts out the events that no window counts, each with the reason, so that none is lost silently. */
export class LateAndDeadPublisher {
  constructor(private readonly options: RefusedEventsOptions) {}

  /** One message for each series that refused the event. */
  late(event: StreamEvent, { series, window, lateByMs }: LateArrival, outputs: Outputs): void {
    const data = { reason: 'late', byMs: lateByMs, series, window, event };
    this.#send('late', this.#lateEvent(`${event.id}/${series}`, event, data), outputs);
  }

  /** One message for the event: no series was asked. */
  future(event: StreamEvent, byMs: number, outputs: Outputs): void {
    const data = { reason: 'future', byMs, event };
    this.#send('late', this.#lateEvent(`${event.id}/future`, event, data), outputs);
  }

  dead(event: DeadEvent, outputs: Outputs): void {
    const { pipeline } = this.options;
    const { id, stream, receivedMs, dead } = event;
    const place = { id, stream, timeMs: receivedMs };
    this.#send(
      'dead',
      { ...this.#publicEvent(place, DEAD_EVENT_TYPE), id, subject: dead.code, data: event },
      outputs,
    );
    outputs.document({
      collection: COLLECTIONS.deadLetters,
      // Two streams may have events of one id.
      id: `${pipeline}/${stream}/${id}`,
      timeMs: receivedMs,
      fields: { pipeline, stream, code: dead.code },
      // The id of the event under another name: a document's own is that of the dead letter.
      body: { eventId: id, stream, receivedMs, ...dead },
    });
  }

  #lateEvent(id: string, event: StreamEvent, data: { readonly reason: string }): PublicEvent {
    return { ...this.#publicEvent(event, LATE_EVENT_TYPE), id, subject: data.reason, data };
  }

  #publicEvent(
    { stream, timeMs }: { readonly stream: string; readonly timeMs: number },
    type: string,
  ): Omit<PublicEvent, 'id' | 'data'> {
    return {
      source: `/pipelines/${this.options.pipeline}/streams/${stream}`,
      type,
      timeMs: Math.min(MAX_DATE_MS, Math.max(-MAX_DATE_MS, timeMs)),
      key: stream,
    };
  }

  #send(noun: 'late' | 'dead', event: PublicEvent, outputs: Outputs): void {
    const { topic, partitionsOf } = this.options;
    outputs.message(topic(noun), partitionOf(event.key, partitionsOf(noun)), publicMessage(event));
  }
}
