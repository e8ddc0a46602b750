import { randomUUID } from 'node:crypto';
import {
  BEFORE_FIRST,
  ClosedError,
  type Delivery,
  MessageReader,
  type Position,
  type ReaderOptions,
  type ReceiveOptions,
} from '#libs/messaging';
import { parseMessageId, parseTopic } from '#libs/pulsar-admin';
import { ConsumerConnection, type ConnectionPlace } from './consumer-connection.js';
import { namedError } from './native-errors.js';
import type { PulsarSession } from './pulsar-session.js';

// The client's own readers end the process (see native-client.ts). So each reader is a consumer with a subscription of
// its own, which it acknowledges as it goes and removes at its end. One that a process leaves behind when it is killed
// keeps messages from then on: whoever reads the partition next removes it.

const PREFIX = 'millrace-reader-';
/** One that has no consumer, and is older, belongs to nobody: between its making and its consumer are milliseconds. */
const LEFT_BEHIND_MS = 10 * 60_000;

/** Reads one partition for itself alone. */
export class PulsarReader extends MessageReader {
  #isClosed = false;

  private constructor(
    private readonly session: PulsarSession,
    private readonly place: ConnectionPlace,
    private readonly connection: ConsumerConnection,
  ) {
    super();
  }

  static async open(session: PulsarSession, options: ReaderOptions): Promise<PulsarReader> {
    const { topic, partition } = options;
    const subscription = `${PREFIX}${session.clock.nowMs()}-${randomUUID()}`;
    const place = { topic, partition, subscription, what: `reader of partition ${partition} of ${topic}` };
    if (isPersistent(topic)) await removeLeftBehind(session, options);
    const after = isPersistent(topic) ? await makeSubscription(session, place, options.from) : BEFORE_FIRST;
    const native = await ConsumerConnection.subscribe(session, place).catch((error: unknown) => {
      throw namedError(error, place.what, session.serviceUrl);
    });
    return new PulsarReader(session, place, new ConsumerConnection(session, place, { native, after }));
  }

  async receive(options: ReceiveOptions): Promise<readonly Delivery[]> {
    this.#throwIfClosed();
    const deliveries = await this.connection.receive(options);
    this.#throwIfClosed();
    const last = deliveries.at(-1);
    // So that the broker need not keep it; one that gets lost comes with the next.
    if (last !== undefined) this.connection.acknowledgeUpTo(last.position).catch(() => undefined);
    return deliveries;
  }

  async isCaughtUp(): Promise<boolean> {
    this.#throwIfClosed();
    if (!isPersistent(this.place.topic)) return this.connection.isDrained;
    return (await this.connection.backlog()) === 0;
  }

  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    await this.connection.unsubscribe();
    this.session.forget(this);
  }

  #throwIfClosed(): void {
    if (this.#isClosed) throw new ClosedError(this.place.what);
  }
}

/** Makes the reader's subscription, and says what it begins behind. */
async function makeSubscription(
  { admin }: PulsarSession,
  { topic, partition, subscription }: ConnectionPlace,
  from: ReaderOptions['from'],
): Promise<Position> {
  const place = { topic, partition, subscription };
  if (from === 'latest') {
    await admin.subscriptions.create(place, 'latest');
    const { cursors } = await admin.topics.internalStats(topic, partition);
    const { ledgerId, entryId } = parseMessageId(cursors[subscription]?.markDeletePosition ?? '-1:-1');
    return [ledgerId, entryId, Number.MAX_SAFE_INTEGER, 0];
  }
  const after = from === 'earliest' ? BEFORE_FIRST : from;
  const [ledgerId, entryId] = after;
  // At the entry itself, which may be a batch of which some are still to come.
  await admin.subscriptions.create(place, ledgerId < 0 ? 'earliest' : { ledgerId, entryId });
  return after;
}

async function removeLeftBehind({ admin, clock }: PulsarSession, at: ReaderOptions): Promise<void> {
  const { topic, partition } = at;
  const oldMs = clock.nowMs() - LEFT_BEHIND_MS;
  const names = await admin.subscriptions.list(topic, { partition });
  const left = names.filter((name) => name.startsWith(PREFIX) && madeAtMs(name) < oldMs);
  // Without force: the broker keeps one that has a consumer.
  await Promise.allSettled(
    left.map((subscription) => admin.subscriptions.delete({ topic, partition, subscription })),
  );
}

function madeAtMs(name: string): number {
  return Number(name.slice(PREFIX.length).split('-')[0]);
}

function isPersistent(topic: string): boolean {
  return parseTopic(topic).domain === 'persistent';
}
