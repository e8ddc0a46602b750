import { countedFact, gaugedFact, loggedFact, timedFact } from './fact.js';

interface OfSubscription {
  readonly subscription: string;
  readonly topic: string;
}

const HANDLER_BUCKETS_SECONDS = [0.001, 0.005, 0.025, 0.1, 0.5, 1, 5, 10, 30, 60];

/** What happens to the messages of subscribers. */
export const TRANSPORT_FACTS = {
  subscriptionReads: loggedFact<OfSubscription & { partition: number }>(
    'info',
    'the subscription reads a partition',
  ),
  subscriptionStandsBy: loggedFact<OfSubscription & { partition: number }>(
    'info',
    'another replica reads this partition; standing by',
  ),
  subscriptionWaits: loggedFact<OfSubscription & { partition?: number; code: string; detail: string }>(
    'warn',
    'the subscription waits; it goes on by itself',
  ),
  messageEnded: countedFact<OfSubscription & { outcome: string }>({
    level: 'debug',
    counter: 'millrace_subscription_messages_total',
    help: 'Messages that a subscription is done with: handled, unselected, skipped or dead',
    labels: ['subscription', 'topic', 'outcome'],
  }),
  handlerEnded: timedFact<OfSubscription>({
    histogram: 'millrace_subscription_handler_seconds',
    help: 'Time a handler takes for an event, its stream included; attempts that fail count, too',
    labels: ['subscription', 'topic'],
    buckets: HANDLER_BUCKETS_SECONDS,
  }),
  handlerFailed: countedFact<
    OfSubscription & { handler: string; id: string; attempt: number; code: string; error: unknown }
  >({
    level: 'warn',
    message: 'a handler has failed',
    counter: 'millrace_subscription_failures_total',
    help: 'Attempts of handlers that have failed, by the code of the error',
    labels: ['subscription', 'topic', 'code'],
  }),
  messageDead: countedFact<
    OfSubscription & {
      partition: number;
      position: string;
      code: string;
      detail: string;
      deadLetters: string;
    }
  >({
    level: 'error',
    message: 'a message is a dead letter: nobody could handle it',
    counter: 'millrace_subscription_dead_letters_total',
    help: 'Messages that a subscription has put among its dead letters, by the code of the reason',
    labels: ['subscription', 'topic', 'code'],
  }),
  subscriptionBacklog: gaugedFact<OfSubscription & { partition: number }>({
    gauge: 'millrace_subscription_backlog_messages',
    help: 'Messages stored and not yet received, of the partitions that this process reads',
    labels: ['subscription', 'topic', 'partition'],
  }),
} as const;
