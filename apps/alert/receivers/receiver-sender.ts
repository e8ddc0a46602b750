import { type AlertEvent, postedAlert, type Receiver, webhookBody } from '#libs/alerting';
import type { Clock } from '#libs/kernel';
import { FACTS, type Telemetry } from '#libs/observability';
import { type Post, postOnce, type PostOutcome } from './http-post.js';
import type { PendingDelivery } from './pending-deliveries.js';
import { webhookHeaders } from './webhook-signature.js';

export interface ReceiverSenderOptions {
  readonly pipeline: string;
  readonly receiver: Receiver;
  readonly clock: Clock;
  readonly telemetry: Telemetry;
  /** 0 ≤ r < 1; for jitter. */
  readonly random: () => number;
  /** By name; see `secret` of a webhook. */
  readonly secrets: ReadonlyMap<string, string>;
  /** Default: over HTTP. */
  readonly post?: (post: Post) => Promise<PostOutcome>;
  /** Called when one is done with: it was taken, refused for good, or given up. */
  readonly onDone: (name: string) => void;
  /** Alerts that fire now, for receivers that have to be told again and again. */
  readonly firing: () => readonly AlertEvent[];
  readonly signal: AbortSignal;
}

const FIRST_RETRY_MS = 1_000;
const MAX_RETRY_MS = 300_000;
/** As Prometheus does: what fires is pushed every minute, and counts as over four minutes after the last push. */
const PUSH_EVERY_MS = 60_000;
const PUSHED_FOR_MS = 4 * PUSH_EVERY_MS;
const MAX_PUSHED = 500;

/** Sends to one receiver, one after the other: their order is kept, and a slow one keeps no other waiting. */
export class ReceiverSender {
  readonly #waiting = new Map<string, PendingDelivery>();
  #wake: () => void = () => undefined;

  constructor(private readonly options: ReceiverSenderOptions) {}

  /** Runs until the signal. Never rejects. */
  async run(): Promise<void> {
    const { signal, receiver } = this.options;
    const push = receiver.kind === 'alertmanager' ? this.#pushForEver() : Promise.resolve();
    while (!signal.aborted) {
      const [next] = this.#waiting;
      if (next === undefined) await this.#untilWoken();
      else await this.#send(...next);
    }
    await push;
  }

  /** What is committed may be sent. */
  release(name: string, delivery: PendingDelivery): void {
    this.#waiting.set(name, delivery);
    this.#wake();
  }

  async #untilWoken(): Promise<void> {
    const { signal } = this.options;
    await new Promise<void>((resolve) => {
      const finish = (): void => {
        signal.removeEventListener('abort', finish);
        resolve();
      };
      this.#wake = finish;
      signal.addEventListener('abort', finish, { once: true });
      if (signal.aborted) finish();
    });
  }

  async #send(name: string, delivery: PendingDelivery): Promise<void> {
    const { clock, random, signal, receiver } = this.options;
    for (let attempt = 0; !signal.aborted; attempt++) {
      const outcome = await this.#attempt(delivery);
      if (signal.aborted) return;
      if (outcome.kind !== 'failed') return this.#finish(name, outcome);
      const ageMs = clock.nowMs() - delivery.sinceMs;
      if (ageMs > receiver.giveUpAfterMs)
        return this.#finish(name, { kind: 'refused', reason: `given up: ${outcome.reason}` });
      this.#record('failed', outcome.reason);
      await clock.sleep(Math.min(MAX_RETRY_MS, FIRST_RETRY_MS * 2 ** attempt) * (0.5 + random() / 2), signal);
    }
  }

  #finish(name: string, outcome: PostOutcome): void {
    this.#waiting.delete(name);
    this.#record(outcome.kind, outcome.kind === 'taken' ? undefined : outcome.reason);
    this.options.onDone(name);
  }

  #record(outcome: PostOutcome['kind'], reason?: string): void {
    const { pipeline, receiver, telemetry } = this.options;
    const fact = outcome === 'taken' ? FACTS.notificationTaken : FACTS.notificationFailed;
    telemetry.record(fact, {
      pipeline,
      receiver: receiver.name,
      outcome,
      ...(reason === undefined ? {} : { reason }),
    });
  }

  async #attempt(delivery: PendingDelivery): Promise<PostOutcome> {
    const { receiver, clock, secrets } = this.options;
    if (receiver.kind === 'alertmanager')
      return 'alert' in delivery ? this.#push([delivery.alert]) : { kind: 'taken' };
    const wanted = 'notification' in delivery ? webhookBody(delivery.notification, receiver) : undefined;
    if (wanted === undefined) return { kind: 'taken' };
    const body = JSON.stringify(wanted);
    const secret = receiver.secret === undefined ? undefined : secrets.get(receiver.secret);
    const headers = webhookHeaders({ id: delivery.id, body, nowMs: clock.nowMs() }, secret);
    return this.#post(receiver.url, body, headers);
  }

  async #pushForEver(): Promise<void> {
    const { clock, signal, firing } = this.options;
    while (!signal.aborted) {
      await clock.sleep(PUSH_EVERY_MS, signal);
      const alerts = signal.aborted ? [] : firing().slice(0, MAX_PUSHED);
      if (alerts.length === 0) continue;
      const outcome = await this.#push(alerts);
      if (outcome.kind !== 'taken' && !signal.aborted) this.#record('failed', outcome.reason);
    }
  }

  #push(alerts: readonly AlertEvent[]): Promise<PostOutcome> {
    const { receiver, clock } = this.options;
    const endsAtMs = clock.nowMs() + PUSHED_FOR_MS;
    const url = new URL('api/v2/alerts', receiver.url.endsWith('/') ? receiver.url : `${receiver.url}/`);
    return this.#post(url.href, JSON.stringify(alerts.map((alert) => postedAlert(alert, endsAtMs))), {});
  }

  #post(url: string, body: string, headers: Post['headers']): Promise<PostOutcome> {
    const { receiver, signal, post = postOnce } = this.options;
    return post({ url, body, headers, allowPrivate: receiver.allowPrivate, signal });
  }
}
