import { randomUUID } from 'node:crypto';
import {
  type CustomTransportStrategy,
  type MessageHandler,
  type ReadPacket,
  Server,
} from '@nestjs/microservices';
import { type Clock, SystemClock } from '#libs/kernel';
import type { MessageBroker, TopicNamespace } from '#libs/messaging';
import { Telemetry } from '#libs/observability';
import type { EventContext } from './event-context.js';
import { type HandlerNotes, MILLRACE_TRANSPORT, NOTES } from './handler-decorators.js';
import { endOf } from './handler-outcome.js';
import { planTopics, type RegisteredHandler } from './plan-topics.js';
import type { SubscriptionOptions } from './subscription-settings.js';
import type { PayloadCheck } from './topic-plan.js';
import { type SubscriptionProblem, type SubscriptionTools, TopicSubscription } from './topic-subscription.js';
import { HandlerMissingError, SubscriptionWaitingError } from './transport.errors.js';

export interface MillraceServerOptions {
  readonly broker: MessageBroker;
  readonly telemetry?: Telemetry;
  readonly clock?: Clock;
  /** 0 ≤ random < 1, for jitter. Default Math.random. */
  readonly random?: () => number;
  /** Where topics with short names are. Default: `public/default`. */
  readonly place?: TopicNamespace;
  /** Whose alerts and results `@OnAlert` and `@OnResult` mean where they say nothing. */
  readonly pipeline?: string;
  /** Of handlers whose class is no `@Subscriber`. Default: such handlers are refused. */
  readonly subscription?: string;
  /** For every subscription, unless its `@Subscriber` says otherwise. */
  readonly defaults?: SubscriptionOptions;
  /** Default: payloads are what they are. */
  readonly check?: PayloadCheck;
}

/**
 * Nest's transport over the messaging port: handlers get the events of the topics that their decorators name, at least once,
 * in the order of each key.
 *
 * S1. `listen` waits for nothing: what is away is waited for behind it, and {@link problems} says so.
 * S2. A message is acknowledged when its handlers, and all that they have returned, have ended; or when its dead letter is stored.
 * S3. `close` drains: what runs ends, and is acknowledged; what has not begun comes again.
 */
export class MillraceServer extends Server implements CustomTransportStrategy {
  override readonly transportId = MILLRACE_TRANSPORT;
  /** A failure is an attempt that failed: it is counted, repeated, and at last a dead letter. */
  override readonly propagatesEventHandlerErrors = true;
  readonly #options: MillraceServerOptions;
  readonly #handlers: RegisteredHandler[] = [];
  #subscriptions: readonly TopicSubscription[] = [];
  #isListening = false;
  #closing: Promise<void> | undefined;

  constructor(options: MillraceServerOptions) {
    super();
    this.#options = options;
  }

  /** Called by Nest for each handler. Those of one topic are kept apart: each has attempts and an end of its own. */
  override addHandler(
    pattern: unknown,
    callback: MessageHandler,
    isEventHandler = false,
    extras: Record<string, unknown> = {},
  ): void {
    const { interests = {}, handler, ...notes } = (extras[NOTES] ?? {}) as HandlerNotes;
    const topic = typeof pattern === 'string' ? pattern : JSON.stringify(pattern);
    const name = handler ?? `the handler of ${topic}`;
    this.#handlers.push({
      ...notes,
      ...{ name, isEventHandler },
      interest: interests[topic] ?? { topic, format: 'json' },
      call: (data, context) => this.#inSpan(callback, data, context),
    });
    super.addHandler(`${topic}#${this.#handlers.length}`, callback, isEventHandler, extras);
  }

  /** @throws by the callback: SubscriptionInvalidError with all that is wrong with the handlers */
  override listen(callback: (error?: unknown) => void): void {
    try {
      this.#open();
      callback();
    } catch (error) {
      callback(error);
    }
  }

  /** Safe to call again. */
  override close(): Promise<void> {
    this.#closing ??= Promise.all(this.#subscriptions.map((each) => each.stop())).then(() => undefined);
    return this.#closing;
  }

  /** What keeps subscriptions from their work at present, with the reason. Empty: nothing does. */
  get problems(): readonly SubscriptionProblem[] {
    return this.#subscriptions.flatMap(({ problems }) => problems);
  }

  /** It takes nothing further in. */
  get isDraining(): boolean {
    return this.#closing !== undefined;
  }

  /** Is there anything to read for. */
  get hasHandlers(): boolean {
    return this.#handlers.length > 0;
  }

  /** Resolves if all that is subscribed can be read now; rejects with the reason. */
  async checkHealth(): Promise<void> {
    const [problem] = this.problems;
    if (problem !== undefined) throw new SubscriptionWaitingError(problem);
    await this.#options.broker.checkHealth();
  }

  /** Hands an event to every handler of its topic, and waits for all that they return. @throws HandlerMissingError */
  override async handleEvent(pattern: string, packet: ReadPacket, context: EventContext): Promise<void> {
    const handlers = this.#handlers.filter(({ interest }) => interest.topic === pattern);
    if (handlers.length === 0) throw new HandlerMissingError(pattern, undefined, ['other topics']);
    for (const handler of handlers) await handler.call(packet.data, context);
  }

  override on(): never {
    throw new Error('there is nothing to listen to: `problems` and the metrics say how it is');
  }

  override unwrap<T>(): T {
    return this.#options.broker as T;
  }

  #open(): void {
    if (this.#isListening) return;
    const { check = () => undefined, place = DEFAULT_PLACE, defaults = {}, ...options } = this.#options;
    const plans = planTopics(this.#handlers, { ...options, place, defaults });
    const tools = { ...surroundingsOf(options), check, processId: randomUUID() };
    this.#subscriptions = plans.map((plan) => new TopicSubscription(plan, tools));
    for (const each of this.#subscriptions) each.start();
    this.#isListening = true;
  }

  /** What instruments Nest's transports sees a handler begin and end. */
  #inSpan(callback: MessageHandler, data: unknown, context: EventContext): Promise<void> {
    return new Promise((resolve, reject) => {
      this.onProcessingStartHook(this.transportId, context, async () => {
        const end = this.createProcessingEndHookRunner(context);
        await Promise.resolve(callback(data, context)).then(endOf).finally(end).then(resolve, reject);
      });
    });
  }
}

const DEFAULT_PLACE: TopicNamespace = { tenant: 'public', namespace: 'default' };

function surroundingsOf({
  broker,
  clock = new SystemClock(),
  telemetry = new Telemetry(),
  random = Math.random,
}: MillraceServerOptions): Pick<SubscriptionTools, 'broker' | 'clock' | 'telemetry' | 'random'> {
  return { broker, clock, telemetry, random };
}
