import {
  ClosedError,
  comparePositions,
  type Delivery,
  type Position,
  type ReceiveOptions,
} from '#libs/messaging';
import { BrokerUnavailableError, partitionTopic } from '#libs/pulsar-admin';
import { DeliveryFeed } from './delivery-feed.js';
import { DisconnectedTime } from './disconnected-time.js';
import { entryId } from './message-id.js';
import type { NativeConsumer } from './native-client.js';
import { namedError } from './native-errors.js';
import { PartitionCursor } from './partition-cursor.js';
import type { PulsarSession } from './pulsar-session.js';

/** Frames are large: so many are on their way for a partition that is read slowly. */
const RECEIVER_QUEUE_MESSAGES = 64;

/** The client connects again within this, unless the broker is away or somebody else has the subscription. */
const SUSPICION_MS = 2_000;
/**
 * It tries ever more seldom, once a minute at last. A consumer that has no connection for this long is given up:
 * whoever had it begins anew, sooner, and says meanwhile what is wrong.
 */
const PATIENCE_MS = 15_000;

export interface ConnectionPlace {
  readonly topic: string;
  readonly partition: number;
  readonly subscription: string;
  /** As it stands in a sentence: `consumer enrich of partition 3 of persistent://…` */
  readonly what: string;
}

/** One exclusive consumer of the client, and how far it has read. It is never moved: who wants that opens another. */
export class ConsumerConnection {
  readonly #cursor: PartitionCursor;
  readonly #feed: DeliveryFeed;
  readonly #disconnected: DisconnectedTime;
  /** How long it was away when the broker was last asked who has the subscription. */
  #askedAfterMs = 0;
  /** Acknowledged before it was received. */
  #due: Position | undefined;

  /** @param after where the subscription stands; what is behind it comes */
  constructor(
    private readonly session: PulsarSession,
    private readonly place: ConnectionPlace,
    private readonly of: { readonly native: NativeConsumer; readonly after: Position },
  ) {
    this.#cursor = new PartitionCursor(place, of.after);
    this.#disconnected = new DisconnectedTime(session.clock);
    this.#feed = new DeliveryFeed(async () => {
      return this.#cursor.draw(await this.#named(this.of.native.receive()));
    }, session.clock);
  }

  /** @throws what the client throws when there is another consumer of the subscription */
  static subscribe(session: PulsarSession, place: ConnectionPlace): Promise<NativeConsumer> {
    return session.client.subscribe({
      topic: partitionTopic(place.topic, place.partition),
      subscription: place.subscription,
      subscriptionType: 'Exclusive',
      subscriptionInitialPosition: 'Earliest',
      receiverQueueSize: RECEIVER_QUEUE_MESSAGES,
    });
  }

  /** @throws BrokerUnavailableError after a while without a connection; ClosedError where another has taken over */
  async receive(options: ReceiveOptions): Promise<readonly Delivery[]> {
    const deliveries = this.#cursor.receive(await this.#feed.receive(options));
    if (deliveries.length === 0) await this.#throwIfAway();
    else await this.#acknowledgeDue();
    return deliveries;
  }

  /** Whether everything that was drawn has been handed out. */
  get isDrained(): boolean {
    return this.#feed.isEmpty;
  }

  backlog(): Promise<number> {
    return this.#cursor.backlog(this.session.admin);
  }

  async acknowledgeUpTo(position: Position): Promise<void> {
    // Of an entry that has not come yet nobody knows whether it ends there: what is left waits for it.
    if (!this.#cursor.hasDrawn(position)) this.#due = later(this.#due, position);
    await this.#acknowledge(position);
  }

  async #acknowledgeDue(): Promise<void> {
    if (this.#due === undefined || !this.#cursor.hasDrawn(this.#due)) return;
    const due = this.#due;
    this.#due = undefined;
    await this.#acknowledge(due);
  }

  async #acknowledge(position: Position): Promise<void> {
    const whole = this.#cursor.wholeEntry(position);
    if (whole === undefined) return;
    const id = entryId(this.session.messageIds, whole.ledgerId, whole.entryId);
    await this.#named(this.of.native.acknowledgeCumulativeId(id));
    this.#cursor.forgetBefore(position);
  }

  /** Whoever waits comes back empty. One that another has taken, or whose broker is away, is closed all the same. */
  async close(): Promise<void> {
    this.#feed.abandon();
    await this.of.native.close().catch(() => undefined);
  }

  /** The same, and the subscription is gone. */
  async unsubscribe(): Promise<void> {
    this.#feed.abandon();
    await this.of.native.unsubscribe().catch(() => this.of.native.close().catch(() => undefined));
  }

  // The client does not say that it can't connect again since another has taken over: it goes on trying.
  async #throwIfAway(): Promise<void> {
    const awayMs = this.#disconnected.elapsedMs(this.of.native.isConnected());
    if (awayMs === 0) this.#askedAfterMs = 0;
    if (awayMs < SUSPICION_MS) return;
    if (awayMs - this.#askedAfterMs >= SUSPICION_MS) {
      this.#askedAfterMs = awayMs;
      if (await this.#isTakenOver()) throw new ClosedError(this.place.what);
    }
    if (awayMs < PATIENCE_MS) return;
    throw new BrokerUnavailableError(this.session.serviceUrl, `${this.place.what} has no connection`);
  }

  async #isTakenOver(): Promise<boolean> {
    const { topic, partition, subscription } = this.place;
    try {
      const { subscriptions } = await this.session.admin.topics.stats(topic, partition);
      return (subscriptions[subscription]?.consumers.length ?? 0) > 0;
    } catch {
      // Nobody answers: it is the broker that is away.
      return false;
    }
  }

  async #named<T>(call: Promise<T>): Promise<T> {
    try {
      return await call;
    } catch (error) {
      throw namedError(error, this.place.what, this.session.serviceUrl);
    }
  }
}

function later(a: Position | undefined, b: Position): Position {
  return a === undefined || comparePositions(a, b) < 0 ? b : a;
}
