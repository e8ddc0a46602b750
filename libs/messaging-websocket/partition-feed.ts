import type { Clock } from '#libs/kernel';
import { comparePositions, type Delivery, type Position } from '#libs/messaging';
import { DeliveryQueue } from './delivery-queue.js';
import { decodeMessageId, type MessageIdParts, positionOf } from './message-id.js';
import { decodeDelivery, type WireMessage } from './wire-message.js';

export interface FeedOptions {
  readonly clock: Clock;
  readonly topic: string;
  readonly partition: number;
  /** What stands up to here has been received. */
  readonly start: Position;
}

/** A message as it arrived. */
export interface Arrival {
  readonly messageId: string;
  readonly parts: MessageIdParts;
  readonly position: Position;
  /** It was received before: a new connection begins somewhere behind. */
  readonly isRepeat: boolean;
}

/**
 * What one reader or consumer receives, through whatever number of connections: each message once, in order.
 */
export class PartitionFeed {
  readonly queue: DeliveryQueue;
  #received: Position;
  /** The last entry that came has more messages, which are on their way. */
  #isInsideEntry = false;

  constructor(private readonly options: FeedOptions) {
    this.queue = new DeliveryQueue(options.clock);
    this.#received = options.start;
  }

  /** Of the last message that arrived; where the subscription or the reader began, until then. */
  get received(): Position {
    return this.#received;
  }

  /** @returns undefined where it is no message but the answer to something else */
  take(text: string): Arrival | undefined {
    const wire = JSON.parse(text) as WireMessage;
    if (typeof wire.messageId !== 'string') return undefined;
    const parts = decodeMessageId(wire.messageId);
    const position = positionOf(parts);
    const isRepeat = comparePositions(position, this.#received) <= 0;
    if (!isRepeat) {
      this.#received = position;
      this.#isInsideEntry = parts.batchIndex + 1 < parts.batchSize;
      this.queue.push(this.#delivery(wire, position));
    }
    return { messageId: wire.messageId, parts, position, isRepeat };
  }

  /** Forgets what has arrived; what stands after the position comes next. */
  moveTo(position: Position): void {
    this.queue.clear();
    this.#received = position;
    this.#isInsideEntry = false;
  }

  /** Whether every message of the entries up to here has been taken; asks the broker for the rest only where it may be so. */
  get hasAllOfEntry(): boolean {
    return this.queue.length === 0 && !this.#isInsideEntry;
  }

  #delivery(wire: WireMessage, position: Position): Delivery {
    const { topic, partition } = this.options;
    return decodeDelivery(wire, { topic, partition, position });
  }
}
