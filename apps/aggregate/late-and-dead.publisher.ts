import { futureMessage, lateMessage, type Outputs, withinDates } from '#libs/functions';
import type { DeadEvent, StreamEvent } from '#libs/kernel';
import { type OutgoingMessage, partitionOf, publicMessage, type TopicNoun } from '#libs/messaging';
import { COLLECTIONS } from '#libs/storage';
import type { LateArrival } from '#libs/windowing';

/** The type of the messages on `<pipeline>.dead`, in CloudEvents' words. */
export const DEAD_EVENT_TYPE = 'com.millrace.dead.v1';

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
  late(event: StreamEvent, arrival: LateArrival, outputs: Outputs): void {
    this.#send('late', event.stream, lateMessage(this.options.pipeline, event, arrival), outputs);
  }

  /** One message for the event: no series was asked. */
  future(event: StreamEvent, byMs: number, outputs: Outputs): void {
    this.#send('late', event.stream, futureMessage(this.options.pipeline, event, byMs), outputs);
  }

  dead(event: DeadEvent, outputs: Outputs): void {
    const { pipeline } = this.options;
    const { id, stream, receivedMs, dead } = event;
    const message = publicMessage({
      id,
      source: `/pipelines/${pipeline}/streams/${stream}`,
      type: DEAD_EVENT_TYPE,
      subject: dead.code,
      timeMs: withinDates(receivedMs),
      key: stream,
      data: event,
    });
    this.#send('dead', stream, message, outputs);
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

  #send(noun: 'late' | 'dead', stream: string, message: OutgoingMessage, outputs: Outputs): void {
    const { topic, partitionsOf } = this.options;
    outputs.message(topic(noun), partitionOf(stream, partitionsOf(noun)), message);
  }
}
