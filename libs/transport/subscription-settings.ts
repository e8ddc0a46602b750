import { parseDuration } from '#libs/kernel';

/** How a subscription is read. All may be left out. */
export interface SubscriptionOptions {
  /** Where it begins the first time: with what is kept, or with what comes from now on. Default `earliest`. */
  readonly from?: 'earliest' | 'latest';
  /** Events of a partition in handlers at once, each of another key. 1: the partition strictly in its order. 1 to 1,000, default 16. */
  readonly maxInFlight?: number;
  /** How often a handler is called for an event before it is a dead letter. 1 to 100, default 3. */
  readonly maxAttempts?: number;
  /** The pause before the second attempt; doubled for each further one, up to a minute. Default `1s`. */
  readonly retryAfter?: string;
  /** How long one attempt may take, its stream included. Default `60s`. */
  readonly timeBudget?: string;
  /** What becomes of an event whose type no handler takes. Default `dead-letter`. */
  readonly unhandled?: 'dead-letter' | 'skip';
  /** Where dead letters go. Default: `<topic>-<subscription>-DLQ`, as Pulsar's clients name it. */
  readonly deadLetterTopic?: string;
}

/** The same, complete, in numbers. */
export interface SubscriptionSettings {
  readonly from: 'earliest' | 'latest';
  readonly maxInFlight: number;
  readonly maxAttempts: number;
  readonly retryAfterMs: number;
  readonly timeBudgetMs: number;
  readonly unhandled: 'dead-letter' | 'skip';
  readonly deadLetterTopic?: string;
}

const MAX_RETRY_PAUSE_MS = 60_000;

/** @param problems where what is wrong is added */
export function resolveSettings(
  name: string,
  options: SubscriptionOptions,
  problems: string[],
): SubscriptionSettings {
  const at = `the subscription '${name}'`;
  const { from = 'earliest', unhandled = 'dead-letter', deadLetterTopic } = options;
  const count = (field: 'maxInFlight' | 'maxAttempts', fallback: number, most: number): number => {
    const value = options[field] ?? fallback;
    const isRight = Number.isInteger(value) && value >= 1 && value <= most;
    if (!isRight) problems.push(`${at}: ${field} is ${value}, wanted a whole number from 1 to ${most}`);
    return value;
  };
  const duration = (field: 'retryAfter' | 'timeBudget', fallback: string): number => {
    try {
      return parseDuration(options[field] ?? fallback);
    } catch (error) {
      problems.push(`${at}: ${field}: ${(error as Error).message}`);
      return 0;
    }
  };
  return {
    from,
    maxInFlight: count('maxInFlight', 16, 1_000),
    maxAttempts: count('maxAttempts', 3, 100),
    retryAfterMs: duration('retryAfter', '1s'),
    timeBudgetMs: duration('timeBudget', '60s'),
    unhandled,
    ...(deadLetterTopic === undefined ? {} : { deadLetterTopic }),
  };
}

/** The pause after an attempt that has failed; half of it is jitter. */
export function retryPauseMs(firstMs: number, attempt: number, random: () => number): number {
  const full = Math.min(MAX_RETRY_PAUSE_MS, firstMs * 2 ** Math.min(attempt - 1, 20));
  return full / 2 + (full / 2) * random();
}
