import type { Notification } from '#libs/alerting';
import type { Outputs } from '#libs/functions';
import { partitionOf, publicMessage } from '#libs/messaging';
import { FACTS } from '#libs/observability';
import type { AlertPublisherOptions } from './alert.publisher.js';

/** The type of the messages on `<pipeline>.notifications`, in CloudEvents' words. */
export const NOTIFICATION_EVENT_TYPE = 'com.millrace.notification.v1';

/** Puts out what a group of alerts tells. */
export class NotificationPublisher {
  constructor(private readonly options: AlertPublisherOptions) {}

  publish(notification: Notification, outputs: Outputs): void {
    const { topic, partitionsOf, telemetry } = this.options;
    const { id, pipeline, groupKey, status, at } = notification;
    const message = publicMessage({
      id,
      source: `/pipelines/${pipeline}`,
      type: NOTIFICATION_EVENT_TYPE,
      subject: status,
      timeMs: Date.parse(at),
      key: groupKey,
      data: notification,
    });
    outputs.message(topic('notifications'), partitionOf(groupKey, partitionsOf('notifications')), message);
    outputs.afterDelivery(() => telemetry.record(FACTS.notificationTold, { pipeline, status, id }));
  }
}
