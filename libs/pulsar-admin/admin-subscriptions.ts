import type { AdminHttp, CallOptions } from './admin-http.js';
import type { MessageId } from './admin-topics.js';
import { topicPath } from './topic-path.js';

/** A subscription of a topic; with `partition`, of that partition alone. */
export interface SubscriptionPlace {
  readonly topic: string;
  readonly partition?: number;
  readonly subscription: string;
}

// Pulsar's names of the ends are numbers beyond what JavaScript writes exactly.
const EARLIEST = '{"ledgerId":-1,"entryId":-1,"partitionIndex":-1}';
const LATEST = '{"ledgerId":9223372036854775807,"entryId":9223372036854775807,"partitionIndex":-1}';

/** Subscriptions, which keep what they have not acknowledged. */
export class AdminSubscriptions {
  constructor(private readonly http: AdminHttp) {}

  /** Their names. @throws PulsarNotFoundError */
  async list(
    topic: string,
    options: CallOptions & { readonly partition?: number } = {},
  ): Promise<readonly string[]> {
    const { partition, ...rest } = options;
    const path = `${topicPath(topic, partition)}/subscriptions`;
    return (await this.http.ask({ method: 'GET', path, ...rest })) as readonly string[];
  }

  /** From a message id on: that message comes first. @throws PulsarConflictError where it exists; PulsarNotFoundError where the topic does not */
  async create(
    place: SubscriptionPlace,
    from: 'earliest' | 'latest' | MessageId,
    options: CallOptions = {},
  ): Promise<void> {
    await this.http.ask({ method: 'PUT', path: pathOf(place), body: startOf(from), ...options });
  }

  /** With `force`, also while a consumer is connected. @throws PulsarNotFoundError */
  async delete(
    place: SubscriptionPlace,
    options: CallOptions & { readonly force?: boolean } = {},
  ): Promise<void> {
    const { force = false, ...rest } = options;
    await this.http.ask({ method: 'DELETE', path: pathOf(place), query: { force }, ...rest });
  }

  /**
   * Moves a partition's subscription: everything behind this message comes next. The message itself comes first where the
   * broker overlooks `isExcluded`, as 4.0.7 does for a partition, and not where it heeds it: be ready for both. The
   * broker disconnects its consumer.
   *
   * @throws PulsarNotFoundError
   */
  async seekAfter(
    place: SubscriptionPlace & { readonly partition: number },
    { ledgerId, entryId }: MessageId,
    options: CallOptions = {},
  ): Promise<void> {
    const isBeforeFirst = ledgerId < 0;
    const body = isBeforeFirst
      ? EARLIEST
      : JSON.stringify({ ledgerId, entryId, partitionIndex: -1, isExcluded: true });
    await this.http.ask({ method: 'POST', path: `${pathOf(place)}/resetcursor`, body, ...options });
  }
}

function startOf(from: 'earliest' | 'latest' | MessageId): string {
  if (from === 'earliest') return EARLIEST;
  if (from === 'latest') return LATEST;
  const { ledgerId, entryId } = from;
  return JSON.stringify({ ledgerId, entryId, partitionIndex: -1 });
}

function pathOf({ topic, partition, subscription }: SubscriptionPlace): string {
  return `${topicPath(topic, partition)}/subscription/${encodeURIComponent(subscription)}`;
}
