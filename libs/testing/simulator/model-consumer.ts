import {
  ClosedError,
  type Delivery,
  MessageConsumer,
  MessageReader,
  type Position,
  type ReceiveOptions,
} from '#libs/messaging';
import type { CallKind } from './fault-plan.js';
import { closeHandle, type Cursor, type ModelPartition } from './model-log.js';
import { Lane, type SimulatedProcess } from './simulated-process.js';

interface ReaderParts {
  readonly process: SimulatedProcess;
  readonly place: ModelPartition;
  readonly cursor: Cursor;
}

/** The client's side of a cursor. */
class Reading {
  readonly #lane = new Lane();
  #isClosed = false;

  constructor(readonly parts: ReaderParts) {}

  async receive(kind: CallKind, options: ReceiveOptions): Promise<readonly Delivery[]> {
    const { process, place, cursor } = this.parts;
    const { time } = process.world;
    const deliveries = await this.call(kind, () =>
      place.receive(cursor, options, (delayMs, action) => time.after(delayMs, action)),
    );
    this.#assertOpen();
    return deliveries;
  }

  async call<T>(kind: CallKind, effect: () => T | Promise<T>): Promise<T> {
    const { process, place, cursor } = this.parts;
    this.#assertOpen();
    const target = `${place.topic}|${place.partition}`;
    const guarded = (): T | Promise<T> => {
      if (cursor.isClosed) throw new ClosedError(`the reader of ${place.topic}`);
      return effect();
    };
    // What waits for messages must not hold up an acknowledgement.
    const lane = kind === 'receive' || kind === 'read' ? new Lane() : this.#lane;
    return await process.call({ kind, target }, guarded, { lane });
  }

  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    const { process, place, cursor } = this.parts;
    const target = `${place.topic}|${place.partition}`;
    await process.call({ kind: 'close', target }, () => closeHandle(cursor), { lane: this.#lane });
  }

  #assertOpen(): void {
    if (this.#isClosed) throw new ClosedError(`the reader of ${this.parts.place.topic}`);
  }
}

export class ModelReader extends MessageReader {
  readonly #reading: Reading;

  constructor(parts: ReaderParts) {
    super();
    this.#reading = new Reading(parts);
  }

  receive(options: ReceiveOptions): Promise<readonly Delivery[]> {
    return this.#reading.receive('read', options);
  }

  async isCaughtUp(): Promise<boolean> {
    const { place, cursor } = this.#reading.parts;
    return await this.#reading.call('look', () => place.backlog(cursor) === 0);
  }

  close(): Promise<void> {
    return this.#reading.close();
  }
}

export class ModelConsumer extends MessageConsumer {
  readonly #reading: Reading;
  readonly #subscription: string;

  constructor({ subscription, ...parts }: ReaderParts & { readonly subscription: string }) {
    super();
    this.#reading = new Reading(parts);
    this.#subscription = subscription;
  }

  receive(options: ReceiveOptions): Promise<readonly Delivery[]> {
    const { process, cursor } = this.#reading.parts;
    const rewind = process.world.faults.rewind();
    // As after a new connection: what was not acknowledged comes again, from some place on.
    cursor.next = Math.max(0, cursor.next - rewind);
    return this.#reading.receive('receive', options);
  }

  async acknowledgeUpTo(position: Position): Promise<void> {
    const { place } = this.#reading.parts;
    await this.#reading.call('acknowledge', () => place.acknowledge(this.#subscription, position));
  }

  async seekAfter(position: Position): Promise<void> {
    const { place, cursor } = this.#reading.parts;
    await this.#reading.call('seek', () => place.seekAfter(cursor, position));
  }

  async isCaughtUp(): Promise<boolean> {
    return (await this.backlogMessages()) === 0;
  }

  async backlogMessages(): Promise<number> {
    const { place, cursor } = this.#reading.parts;
    return await this.#reading.call('look', () => place.backlog(cursor));
  }

  close(): Promise<void> {
    return this.#reading.close();
  }
}
