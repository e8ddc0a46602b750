import {
  BEFORE_FIRST,
  ClosedError,
  ConsumerBusyError,
  type ConsumerOptions,
  type Delivery,
  MessageConsumer,
  type Position,
  type ReceiveOptions,
} from '#libs/messaging';
import { parseMessageId } from '#libs/pulsar-admin';
import { ConsumerConnection, type ConnectionPlace } from './consumer-connection.js';
import { namedError, resultOf } from './native-errors.js';
import type { PulsarSession } from './pulsar-session.js';

/** An exclusive consumer of one partition. */
export class PulsarConsumer extends MessageConsumer {
  readonly #place: ConnectionPlace;
  #connection: ConsumerConnection | undefined;
  #isClosed = false;

  private constructor(
    private readonly session: PulsarSession,
    options: ConsumerOptions,
  ) {
    super();
    const { topic, partition, subscription } = options;
    this.#place = { ...options, what: `consumer ${subscription} of partition ${partition} of ${topic}` };
  }

  /** @throws ConsumerBusyError while another has it */
  static async open(session: PulsarSession, options: ConsumerOptions): Promise<PulsarConsumer> {
    const consumer = new PulsarConsumer(session, options);
    // Asked while nobody else can acknowledge.
    consumer.#connection = await consumer.#connect(() => consumer.#acknowledged());
    return consumer;
  }

  async receive(options: ReceiveOptions): Promise<readonly Delivery[]> {
    const deliveries = await this.#open().receive(options);
    this.#open();
    return deliveries;
  }

  async isCaughtUp(): Promise<boolean> {
    return (await this.backlogMessages()) === 0;
  }

  async backlogMessages(): Promise<number> {
    return this.#open().backlog();
  }

  async acknowledgeUpTo(position: Position): Promise<void> {
    await this.#open().acknowledgeUpTo(position);
  }

  // Not by the client's own seek: a message that it has begun to hand out would come after it, from before it. The
  // subscription is moved while nobody has it.
  async seekAfter(position: Position): Promise<void> {
    const connection = this.#open();
    this.#connection = undefined;
    await connection.close();
    try {
      await this.#move(position);
      this.#connection = await this.#connect(() => Promise.resolve(position));
    } catch (error) {
      this.#isClosed = true;
      this.session.forget(this);
      throw error;
    }
    // Closed meanwhile.
    if (this.#isClosed) await this.#disconnect();
  }

  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    await this.#disconnect();
    this.session.forget(this);
  }

  async #disconnect(): Promise<void> {
    const connection = this.#connection;
    this.#connection = undefined;
    await connection?.close();
  }

  // To the entry itself, which may be a batch of which some are still to come; what is before them is passed over.
  async #move([ledgerId, entry]: Position): Promise<void> {
    const { topic, partition, subscription } = this.#place;
    const before = { ledgerId, entryId: entry - 1 };
    await this.session.admin.subscriptions.seekAfter({ topic, partition, subscription }, before);
  }

  async #connect(after: () => Promise<Position>): Promise<ConsumerConnection> {
    const { topic, partition, subscription, what } = this.#place;
    const native = await ConsumerConnection.subscribe(this.session, this.#place).catch((error: unknown) => {
      if (resultOf(error) === 'ConsumerBusy') throw new ConsumerBusyError(topic, partition, subscription);
      throw namedError(error, what, this.session.serviceUrl);
    });
    try {
      return new ConsumerConnection(this.session, this.#place, { native, after: await after() });
    } catch (error) {
      await native.close().catch(() => undefined);
      throw error;
    }
  }

  /** Where the subscription stands: what is behind it comes. */
  async #acknowledged(): Promise<Position> {
    const { topic, partition, subscription } = this.#place;
    const { cursors } = await this.session.admin.topics.internalStats(topic, partition);
    // A cursor's name is the subscription's as it stands in paths.
    const cursor = cursors[encodeURIComponent(subscription)] ?? cursors[subscription];
    if (cursor === undefined) return BEFORE_FIRST;
    const { ledgerId, entryId } = parseMessageId(cursor.markDeletePosition);
    // Behind every message of the entry.
    return [ledgerId, entryId, Number.MAX_SAFE_INTEGER, 0];
  }

  #open(): ConsumerConnection {
    if (this.#isClosed || this.#connection === undefined) throw new ClosedError(this.#place.what);
    return this.#connection;
  }
}
