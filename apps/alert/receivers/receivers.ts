import {
  type AlertEvent,
  alertEventId,
  isAlerting,
  matchesAll,
  type Notification,
  type Receiver,
} from '#libs/alerting';
import type { Outputs, RunScope } from '#libs/functions';
import type { JsonValue } from '#libs/kernel';
import { FACTS } from '#libs/observability';
import { type PendingDelivery, PendingDeliveries } from './pending-deliveries.js';
import { ReceiverSender, type ReceiverSenderOptions } from './receiver-sender.js';

export interface ReceiversOptions extends Omit<
  ReceiverSenderOptions,
  'receiver' | 'onDone' | 'firing' | 'signal'
> {
  readonly receivers: readonly Receiver[];
  /** Alerts that fire now. */
  readonly firing: () => readonly AlertEvent[];
}

/** Everything that is to be sent out of a pipeline, and who sends it. */
export class Receivers {
  readonly #pending = new PendingDeliveries();
  readonly #senders = new Map<string, ReceiverSender>();
  /** Names of what was sent since the last look. */
  #done: string[] = [];
  #run: RunScope | undefined;
  readonly #stopped = new AbortController();

  constructor(private readonly options: ReceiversOptions) {}

  begin(run: RunScope): void {
    this.#run = run;
  }

  load(name: string, value: JsonValue): void {
    this.#pending.load(name, value);
  }

  /**
   * Once what was committed is loaded: what a former run has not sent goes out now.
   *
   * @param sent names of what has been sent since, as {@link stop} gives them
   */
  start(sent: readonly string[] = []): void {
    for (const name of sent) this.#pending.remove(name);
    const known = new Set(this.options.receivers.map(({ name }) => name));
    for (const dropped of this.#pending.dropUnknown(known))
      this.#recordDrop(dropped.receiver, 'no such receiver');
    if (this.#run === undefined) return;
    const signal = AbortSignal.any([this.#run.abort, this.#run.drain, this.#stopped.signal]);
    for (const receiver of this.options.receivers) {
      const sender = new ReceiverSender({
        ...this.options,
        ...{ receiver, signal },
        onDone: (name) => this.#done.push(name),
        firing: () => this.options.firing().filter((alert) => matchesAll(receiver.matchers, alert)),
      });
      this.#senders.set(receiver.name, sender);
      for (const [name, delivery] of this.#pending.of(receiver.name)) sender.release(name, delivery);
      void sender.run();
    }
  }

  /** Sends nothing any more. Gives the names of what was sent and is not {@link settle}d. */
  stop(): readonly string[] {
    this.#stopped.abort();
    return this.#done;
  }

  /** Webhooks are told what the topic `notifications` is. */
  notify(notification: Notification, nowMs: number, outputs: Outputs): void {
    for (const { kind, name, matchers } of this.options.receivers) {
      if (kind !== 'webhook' || !notification.alerts.some((alert) => matchesAll(matchers, alert))) continue;
      this.#add({ receiver: name, id: notification.id, sinceMs: nowMs, notification }, outputs);
    }
  }

  /** An Alertmanager is told of every alert that fires or has fired; the rest is its own business. */
  alert(event: AlertEvent, nowMs: number, outputs: Outputs): void {
    const isEnd = event.status === 'resolved' || isAlerting(event.from);
    if (event.historical === true || (!isAlerting(event.status) && !isEnd)) return;
    for (const { kind, name, matchers } of this.options.receivers) {
      if (kind !== 'alertmanager' || !matchesAll(matchers, event)) continue;
      this.#add({ receiver: name, id: alertEventId(event), sinceMs: nowMs, alert: event }, outputs);
    }
  }

  /** Forgets what was sent. True: there was something. */
  settle(): boolean {
    const done = this.#done;
    this.#done = [];
    for (const name of done) this.#pending.remove(name);
    return done.length > 0;
  }

  changes(): Iterable<readonly [name: string, value: JsonValue | undefined]> {
    return this.#pending.changes();
  }

  cells(): Iterable<readonly [name: string, value: JsonValue]> {
    return this.#pending.cells();
  }

  #add(delivery: PendingDelivery, outputs: Pick<Outputs, 'afterDelivery'>): void {
    const { name, dropped } = this.#pending.add(delivery);
    if (dropped !== undefined) this.#recordDrop(dropped.receiver, 'too many wait');
    // Nothing leaves before the commit that holds it.
    outputs.afterDelivery(() => this.#senders.get(delivery.receiver)?.release(name, delivery));
  }

  #recordDrop(receiver: string, reason: string): void {
    const { telemetry, pipeline } = this.options;
    telemetry.record(FACTS.notificationFailed, { pipeline, receiver, outcome: 'dropped', reason });
  }
}
