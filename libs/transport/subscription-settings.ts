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
const MAX_DURATION_MS = 24 * 3_600_000;
const CHOICES = { from: ['earliest', 'latest'], unhandled: ['dead-letter', 'skip'] } as const;
const COUNTS = {
  maxInFlight: { fallback: 16, most: 1_000 },
  maxAttempts: { fallback: 3, most: 100 },
} as const;
/** 0 is no pause; no time at all would fail every attempt. */
const DURATIONS = {
  retryAfter: { fallback: '1s', leastMs: 0 },
  timeBudget: { fallback: '60s', leastMs: 1 },
} as const;
const FIELDS: readonly string[] = [
  ...[CHOICES, COUNTS, DURATIONS].flatMap((fields) => Object.keys(fields)),
  'deadLetterTopic',
];

/**
 * Types don't reach who writes JavaScript: everything is looked at.
 *
 * @param problems where what is wrong is added
 */
export function resolveSettings(
  name: string,
  options: SubscriptionOptions,
  problems: string[],
): SubscriptionSettings {
  const report = (problem: string): void => void problems.push(`the subscription '${name}': ${problem}`);
  for (const field of Object.keys(options))
    if (!FIELDS.includes(field)) report(`there is no option ${field}; there are ${FIELDS.join(', ')}`);
  const { deadLetterTopic } = options;
  return {
    from: choice('from', options.from, report),
    maxInFlight: count('maxInFlight', options, report),
    maxAttempts: count('maxAttempts', options, report),
    retryAfterMs: duration('retryAfter', options, report),
    timeBudgetMs: duration('timeBudget', options, report),
    unhandled: choice('unhandled', options.unhandled, report),
    ...(deadLetterTopic === undefined ? {} : { deadLetterTopic }),
  };
}

type Report = (problem: string) => void;

function choice<Field extends keyof typeof CHOICES>(
  field: Field,
  value: string | undefined,
  report: Report,
): (typeof CHOICES)[Field][number] {
  const choices: readonly (typeof CHOICES)[Field][number][] = CHOICES[field];
  const found = choices.find((each) => each === (value ?? choices[0]));
  if (found === undefined) report(`${field} is '${value}', wanted one of ${choices.join(', ')}`);
  return found ?? choices[0]!;
}

function count(field: keyof typeof COUNTS, options: SubscriptionOptions, report: Report): number {
  const { fallback, most } = COUNTS[field];
  const value = options[field] ?? fallback;
  const isRight = Number.isInteger(value) && value >= 1 && value <= most;
  if (!isRight) report(`${field} is ${value}, wanted a whole number from 1 to ${most}`);
  return value;
}

function duration(field: keyof typeof DURATIONS, options: SubscriptionOptions, report: Report): number {
  const { fallback, leastMs } = DURATIONS[field];
  try {
    const durationMs = parseDuration(options[field] ?? fallback);
    if (durationMs < leastMs || durationMs > MAX_DURATION_MS)
      report(`${field} is ${options[field]}, wanted ${leastMs}ms to 24h`);
    return durationMs;
  } catch (error) {
    report(`${field}: ${(error as Error).message}`);
    return leastMs;
  }
}

/** The pause after an attempt that has failed; half of it is jitter. */
export function retryPauseMs(firstMs: number, attempt: number, random: () => number): number {
  const full = Math.min(MAX_RETRY_PAUSE_MS, firstMs * 2 ** Math.min(attempt - 1, 20));
  return full / 2 + (full / 2) * random();
}
