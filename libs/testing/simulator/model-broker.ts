import {
  type BrokerCapabilities,
  ClosedError,
  ConsumerBusyError,
  type ConsumerOptions,
  MessageBroker,
  type MessageConsumer,
  type MessageProducer,
  type MessageReader,
  ProducerBusyError,
  type ProducerOptions,
  type ReaderOptions,
  type SubscriptionSpec,
  type TopicSpec,
} from '#libs/messaging';
import type { Call, CallKind } from './fault-plan.js';
import { ModelConsumer, ModelReader } from './model-consumer.js';
import { closeHandle, type Cursor, type Handle, type ModelLog, type ModelPartition } from './model-log.js';
import { ModelProducer } from './model-producer.js';
import type { SimulatedProcess } from './simulated-process.js';

/** How long a broker takes to see that a process has died. */
const MAX_DETECTION_MS = 3_000;

/** A broker as one process sees it. */
export class ModelBroker extends MessageBroker {
  readonly capabilities: BrokerCapabilities = { durable: true, shared: true };
  readonly #open = new Set<{ close(): Promise<void> }>();
  readonly #handles = new Set<Handle>();
  #isClosed = false;
  #isCut = false;

  constructor(
    private readonly log: ModelLog,
    private readonly process: SimulatedProcess,
  ) {
    super();
    const { time, random } = process.world;
    process.onCrash.push(() => time.after(random.between(0, MAX_DETECTION_MS), () => this.#cut()));
    process.onCut.push(() => this.#cut());
  }

  async ensureTopic(spec: TopicSpec): Promise<void> {
    await this.#call('look', spec.name, () => this.log.ensureTopic(spec));
  }

  async partitionsOf(topic: string): Promise<number | undefined> {
    return await this.#call('look', topic, () => this.log.partitionsOf(topic));
  }

  async ensureSubscription(spec: SubscriptionSpec): Promise<void> {
    await this.#call('look', spec.topic, () => this.log.ensureSubscription(spec));
  }

  async openProducer({ topic, partition, producerName }: ProducerOptions): Promise<MessageProducer> {
    let place: ModelPartition | undefined;
    const handle = this.#track<Handle>({
      isClosed: false,
      onClose: () => void place?.producers.delete(producerName),
    });
    const lastSequenceId = await this.#openAt('open-producer', { topic, partition, handle }, (found) => {
      if (found.producers.has(producerName)) throw new ProducerBusyError(topic, partition, producerName);
      place = found;
      place.producers.set(producerName, handle);
      return place.lastSequenceId(producerName);
    });
    const { process } = this;
    return this.#opened(new ModelProducer({ process, place: place!, handle, producerName, lastSequenceId }));
  }

  async openConsumer({ topic, partition, subscription }: ConsumerOptions): Promise<MessageConsumer> {
    let place: ModelPartition | undefined;
    const onClose = (): void => void place?.consumers.delete(subscription);
    const cursor = this.#track<Cursor>({ next: 0, isClosed: false, onClose });
    await this.#openAt('open-consumer', { topic, partition, handle: cursor }, (found) => {
      if (found.consumers.has(subscription)) throw new ConsumerBusyError(topic, partition, subscription);
      const next = found.acknowledged(subscription) + 1 + this.process.world.faults.cursorSkew();
      place = found;
      place.consumers.set(subscription, cursor);
      cursor.next = place.bounded(next);
    });
    const { process } = this;
    return this.#opened(new ModelConsumer({ process, place: place!, cursor, subscription }));
  }

  async openReader({ topic, partition, from }: ReaderOptions): Promise<MessageReader> {
    const cursor = this.#track<Cursor>({ next: 0, isClosed: false, onClose: () => undefined });
    let place: ModelPartition | undefined;
    await this.#openAt('open-reader', { topic, partition, handle: cursor }, (found) => {
      place = found;
      if (typeof from !== 'string') place.seekAfter(cursor, from);
      else cursor.next = from === 'latest' ? place.end : 0;
    });
    return this.#opened(new ModelReader({ process: this.process, place: place!, cursor }));
  }

  async checkHealth(): Promise<void> {
    await this.#call('look', 'broker', () => undefined);
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    await Promise.all([...this.#open].map((opened) => opened.close()));
  }

  #track<T extends Handle>(handle: T): T {
    this.#handles.add(handle);
    return handle;
  }

  async #openAt<T>(
    kind: CallKind,
    { topic, partition, handle }: { topic: string; partition: number; handle: Handle },
    effect: (place: ModelPartition) => T,
  ): Promise<T> {
    const call: Call = { kind, target: `${topic}|${partition}` };
    this.#assertOpen();
    // Nobody knows of what was opened where the reply is lost: the client closes it when it sees that.
    const onFault = (): void => void this.process.world.time.after(0, () => closeHandle(handle));
    const open = (): T => {
      // The connection it was asked for on is gone.
      if (handle.isClosed || (this.process.isDead && this.#isCut)) throw new ClosedError('the connection');
      return effect(this.log.partition(topic, partition));
    };
    return await this.process.call(call, open, { onFault });
  }

  #opened<T extends { close(): Promise<void> }>(opened: T): T {
    this.#open.add(opened);
    return opened;
  }

  async #call<T>(kind: CallKind, target: string, effect: () => T): Promise<T> {
    this.#assertOpen();
    return await this.process.call({ kind, target }, effect);
  }

  /** The connection is gone, and everything that was opened over it. */
  #cut(): void {
    this.#isCut = true;
    for (const handle of this.#handles) closeHandle(handle);
    this.#handles.clear();
  }

  #assertOpen(): void {
    if (this.#isClosed) throw new ClosedError('the broker');
  }
}
