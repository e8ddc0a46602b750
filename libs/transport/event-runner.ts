import { type Clock, PlatformError } from '#libs/kernel';
import type { Delivery } from '#libs/messaging';
import { FACTS, type Telemetry } from '#libs/observability';
import { deathCodeOf, type DeadLetterPublisher, type DeathReason } from './dead-letter.publisher.js';
import { EventContext } from './event-context.js';
import { type IncomingEvent, readEvent } from './incoming-event.js';
import { retryPauseMs } from './subscription-settings.js';
import { type EventHandler, type PayloadCheck, routeOf, type TopicPlan } from './topic-plan.js';
import { HandlerTimeoutError } from './transport.errors.js';

export interface EventRunnerOptions {
  readonly plan: TopicPlan;
  readonly deadLetters: DeadLetterPublisher;
  readonly check: PayloadCheck;
  readonly clock: Clock;
  readonly telemetry: Telemetry;
  readonly random: () => number;
  /** Why dead letters can't be stored at present; undefined: they can. */
  readonly onProblem: (error: unknown) => void;
}

const DEAD_LETTER_PAUSE_MS = 500;

/** Brings one message to its end: handled, passed over, or a dead letter. */
export class EventRunner {
  constructor(private readonly options: EventRunnerOptions) {}

  /** False: it was stopped before the end; the message has to come again. Never rejects. */
  async run(delivery: Delivery, stop: AbortSignal): Promise<boolean> {
    const { plan, check } = this.options;
    const route = routeOf(delivery, plan, check);
    switch (route.kind) {
      case 'handle':
        return await this.#handle({ delivery, stop, event: route.event }, route.handlers);
      case 'unselected':
      case 'skip':
        this.#ended(route.kind === 'skip' ? 'skipped' : 'unselected');
        return true;
      case 'dead':
        return await this.#bury(delivery, { error: route.error, attempts: 0 }, stop);
      default:
        return route satisfies never;
    }
  }

  /** One behind the other. One that fails for good makes a dead letter of its own, and the next has its turn. */
  async #handle(run: Run, handlers: readonly EventHandler[]): Promise<boolean> {
    let isDead = false;
    for (const handler of handlers) {
      const end = await this.#untilEnd(run, handler);
      if (end === 'stopped') return false;
      if (end !== 'handled') {
        if (!(await this.#bury(run.delivery, { ...end, handler: handler.name }, run.stop))) return false;
        isDead = true;
      }
    }
    if (!isDead) this.#ended('handled');
    return true;
  }

  async #untilEnd(run: Run, handler: EventHandler): Promise<'handled' | 'stopped' | DeathReason> {
    const { settings } = this.options.plan;
    const { clock, random } = this.options;
    for (let attempt = 1; ; attempt++) {
      // The data of a further attempt are not those that the first one may have changed.
      const error = await this.#failureOf(run, handler, attempt);
      if (error === undefined) return 'handled';
      // What fails while the process ends may have failed because of that.
      if (run.stop.aborted) return 'stopped';
      const isFinal = error.cause instanceof PlatformError && error.cause.retry === 'never';
      if (isFinal || attempt >= settings.maxAttempts) return { error: error.cause, attempts: attempt };
      await clock.sleep(retryPauseMs(settings.retryAfterMs, attempt, random), run.stop);
      if (run.stop.aborted) return 'stopped';
    }
  }

  async #failureOf(
    { delivery, stop, event }: Run,
    handler: EventHandler,
    attempt: number,
  ): Promise<{ readonly cause: unknown } | undefined> {
    const { plan, telemetry, clock } = this.options;
    const { subscription, topic } = plan;
    const startedMs = clock.monotonicMs();
    try {
      const { data } = readEvent(delivery, plan.format);
      await this.#inBudget(handler, stop, (signal) =>
        call(handler, data, contextOf({ delivery, event, subscription, attempt, signal })),
      );
      return undefined;
    } catch (cause) {
      const code = deathCodeOf(cause);
      const { name } = handler;
      telemetry.record(FACTS.handlerFailed, {
        ...{ subscription, topic, handler: name, id: event.attributes.id, attempt, code },
        error: cause,
      });
      return { cause };
    } finally {
      telemetry.record(
        FACTS.handlerEnded,
        { subscription, topic },
        (clock.monotonicMs() - startedMs) / 1_000,
      );
    }
  }

  async #inBudget(
    handler: EventHandler,
    stop: AbortSignal,
    start: (signal: AbortSignal) => Promise<void>,
  ): Promise<void> {
    const { timeBudgetMs } = this.options.plan.settings;
    const budget = new AbortController();
    let cancel = (): void => undefined;
    const timeUp = new Promise<never>((_, reject) => {
      cancel = this.options.clock.after(timeBudgetMs, () => {
        budget.abort();
        reject(new HandlerTimeoutError(handler.name, timeBudgetMs));
      });
    });
    const ended = start(AbortSignal.any([stop, budget.signal]));
    // Nobody may be listening any more when it fails.
    ended.catch(() => undefined);
    await Promise.race([ended, timeUp]).finally(cancel);
  }

  /** Until it is stored: a message that nobody can handle is not lost while its dead letter can't be written. */
  async #bury(delivery: Delivery, reason: DeathReason, stop: AbortSignal): Promise<boolean> {
    const { deadLetters, clock, random, onProblem } = this.options;
    for (let attempt = 1; !stop.aborted; attempt++) {
      try {
        await deadLetters.publish(delivery, reason);
        onProblem(undefined);
        this.#buried(delivery, reason);
        return true;
      } catch (error) {
        onProblem(error);
        await clock.sleep(retryPauseMs(DEAD_LETTER_PAUSE_MS, attempt, random), stop);
      }
    }
    return false;
  }

  #buried({ partition, position }: Delivery, { error }: DeathReason): void {
    const { plan, telemetry, deadLetters } = this.options;
    const { subscription, topic } = plan;
    telemetry.record(FACTS.messageDead, {
      ...{ subscription, topic, partition, position: position.join(':') },
      ...{ code: deathCodeOf(error), detail: String(error), deadLetters: deadLetters.topic },
    });
    this.#ended('dead');
  }

  #ended(outcome: string): void {
    const { plan, telemetry } = this.options;
    const { subscription, topic } = plan;
    telemetry.record(FACTS.messageEnded, { subscription, topic, outcome });
  }
}

interface Run {
  readonly delivery: Delivery;
  readonly event: IncomingEvent;
  readonly stop: AbortSignal;
}

/** @throws what the handler has thrown, whatever Nest has made of it */
async function call(handler: EventHandler, data: unknown, context: EventContext): Promise<void> {
  try {
    await handler.call(data, context);
  } catch (error) {
    throw context.failure ?? error;
  }
}

function contextOf({
  delivery,
  event,
  ...rest
}: Pick<Run, 'delivery' | 'event'> &
  Pick<EventContext, 'subscription' | 'attempt' | 'signal'>): EventContext {
  const { key, properties, topic, partition, position, publishTimeMs } = delivery;
  const { attributes } = event;
  return new EventContext({
    ...{ ...attributes, properties, topic, partition, position, publishTimeMs, ...rest },
    ...(key === undefined ? {} : { key }),
  });
}
