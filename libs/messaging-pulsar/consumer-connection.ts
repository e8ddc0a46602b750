import type { Delivery, Position, ReceiveOptions } from '#libs/messaging';
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

  /** @throws BrokerUnavailableError after a while without a connection; ClosedError where it is lost for good */
  async receive(options: ReceiveOptions): Promise<readonly Delivery[]> {
    const deliveries = this.#cursor.receive(await this.#feed.receive(options));
    if (deliveries.length === 0 && this.#disconnected.isTooLong(this.of.native.isConnected())) {
      throw new BrokerUnavailableError(this.session.serviceUrl, `${this.place.what} has no connection`);
    }
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

  async #named<T>(call: Promise<T>): Promise<T> {
    try {
      return await call;
    } catch (error) {
      throw namedError(error, this.place.what, this.session.serviceUrl);
    }
  }
}
