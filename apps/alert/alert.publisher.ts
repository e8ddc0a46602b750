import { type AlertEvent, alertEventId } from '#libs/alerting';
import type { Outputs } from '#libs/functions';
import { partitionOf, publicMessage, type TopicNoun } from '#libs/messaging';
import { FACTS, type Telemetry } from '#libs/observability';
import { COLLECTIONS } from '#libs/storage';

/** The type of the messages on `<pipeline>.alerts`, in CloudEvents' words. */
export const ALERT_EVENT_TYPE = 'com.millrace.alert.v1';

export interface AlertPublisherOptions {
  /** The full name of the pipeline's topic. */
  readonly topic: (noun: TopicNoun) => string;
  readonly partitionsOf: (noun: TopicNoun) => number;
  readonly telemetry: Telemetry;
}

/** Puts a transition out: where it stands now, what happened, and a message, in one commit. */
export class AlertPublisher {
  constructor(private readonly options: AlertPublisherOptions) {}

  /** @param atMs when it happened, event time */
  publish(event: AlertEvent, atMs: number, outputs: Outputs): void {
    const { fingerprint, pipeline, rule, status, severity } = event;
    // What stands for a whole rule, or the whole pipeline, is of no stream.
    const stream = String(event.labels['stream'] ?? '');
    const id = alertEventId(event);
    outputs.document({
      collection: COLLECTIONS.alerts,
      id: fingerprint,
      timeMs: atMs,
      fields: { pipeline, rule, stream, status, severity },
      body: event,
    });
    outputs.document({
      collection: COLLECTIONS.alertTransitions,
      id,
      timeMs: atMs,
      fields: { pipeline, fingerprint, rule },
      body: event,
    });
    const message = publicMessage({
      id,
      source: stream === '' ? `/pipelines/${pipeline}` : `/pipelines/${pipeline}/streams/${stream}`,
      type: ALERT_EVENT_TYPE,
      subject: rule,
      timeMs: atMs,
      key: fingerprint,
      data: event,
    });
    const { topic, partitionsOf, telemetry } = this.options;
    outputs.message(topic('alerts'), partitionOf(fingerprint, partitionsOf('alerts')), message);
    outputs.afterDelivery(() =>
      telemetry.record(FACTS.alertTransition, { pipeline, rule, to: status, fingerprint }),
    );
  }
}
