import {
  encodeFrame,
  type MessageBroker,
  type MessageProducer,
  PRODUCER_PROPERTY,
  SEQUENCE_PROPERTY,
} from '#libs/messaging';
import type { SimulatedProcess } from './simulated-process.js';
import { RAW } from './simulated-topics.js';
import type { ClientRecord } from './workload.js';

type ClientFrame = ClientRecord['frames'][number];

/** Frames on their way at once. */
const WINDOW = 4;
const RETRY_MS = 300;

/** What outlives a writer: which frames its client knows to be stored. */
export interface ClientMemory {
  readonly record: ClientRecord;
  /** Places in `record.frames`. */
  readonly open: Set<number>;
}

/**
 * One run of an ingest replica for one client: numbers its frames, sends them, and sends the same bytes again until
 * they are stored. When it dies, the client gives what it has no answer for to the next run.
 */
export class IngestWriter {
  readonly #producers = new Map<number, MessageProducer>();
  /** The number of each frame, once it has one. */
  readonly #numbers = new Map<number, number>();
  readonly #nextNumber = new Map<number, number>();

  /** @param name unique for each run */
  constructor(
    private readonly name: string,
    private readonly client: ClientMemory,
    private readonly process: SimulatedProcess,
    private readonly broker: MessageBroker,
  ) {}

  /** Runs until all of it is stored. */
  async run(pauseMs: () => number): Promise<void> {
    while (this.client.open.size > 0) {
      const window = [...this.client.open].slice(0, WINDOW);
      try {
        await this.#sendAll(window);
      } catch {
        // What it is does not matter: the same bytes again, in the same order, over new producers.
        await this.#closeProducers();
        await this.process.clock.sleep(RETRY_MS);
      }
      await this.process.clock.sleep(pauseMs());
    }
    await this.#closeProducers();
  }

  async #sendAll(window: readonly number[]): Promise<void> {
    const byPartition = Map.groupBy(window, (place) => this.client.record.frames[place]!.partition);
    const sent = [...byPartition].map(async ([partition, places]) => {
      const producer = await this.#producer(partition);
      await Promise.all(
        places.map(async (place) => {
          await producer.send(this.#message(place, this.client.record.frames[place]!));
          this.client.open.delete(place);
        }),
      );
    });
    const outcomes = await Promise.allSettled(sent);
    const failed = outcomes.find((outcome) => outcome.status === 'rejected');
    if (failed !== undefined) throw failed.reason;
  }

  #message(place: number, { partition, events }: ClientFrame): Parameters<MessageProducer['send']>[0] {
    const { payload, properties } = encodeFrame(
      { v: 1, kind: 'raw' },
      events.map((event) => JSON.stringify(event)),
    );
    if (!this.client.record.isNumbering) return { payload, properties };
    const number = this.#numbers.get(place) ?? this.#nextNumber.get(partition) ?? 0;
    if (!this.#numbers.has(place)) this.#nextNumber.set(partition, number + 1);
    this.#numbers.set(place, number);
    const numbering = { [PRODUCER_PROPERTY]: this.name, [SEQUENCE_PROPERTY]: String(number) };
    // Without the broker's own number: every frame that is sent again is stored again.
    return { payload, properties: { ...properties, ...numbering } };
  }

  async #producer(partition: number): Promise<MessageProducer> {
    const open =
      this.#producers.get(partition) ??
      (await this.broker.openProducer({ topic: RAW, partition, producerName: this.name }));
    this.#producers.set(partition, open);
    return open;
  }

  async #closeProducers(): Promise<void> {
    const open = [...this.#producers.values()];
    this.#producers.clear();
    await Promise.allSettled(open.map((producer) => producer.close()));
  }
}
