import { type AlertEvent, type EventContext, OnAlert, Subscriber } from '#libs/transport';

/** Writes a line for each transition of one rule; another service would call somebody. */
@Subscriber('pager')
export class Pager {
  @OnAlert('high-error-ratio')
  ring(alert: AlertEvent, { id }: EventContext): void {
    process.stdout.write(`pager: ${alert.labels['stream']} ${alert.status}: ${alert.summary} (${id})\n`);
  }
}
