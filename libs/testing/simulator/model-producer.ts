import {
  ClosedError,
  MAX_MESSAGE_BYTES,
  MessageProducer,
  MessageTooLargeError,
  type OutgoingMessage,
  type SendReceipt,
} from '#libs/messaging';
import { type Call, SimulatedFaultError } from './fault-plan.js';
import { closeHandle, type Handle, type ModelPartition } from './model-log.js';
import { Lane, type SimulatedProcess } from './simulated-process.js';

export interface ModelProducerOptions {
  readonly process: SimulatedProcess;
  readonly place: ModelPartition;
  readonly handle: Handle;
  readonly producerName: string;
  readonly lastSequenceId: number;
}

export class ModelProducer extends MessageProducer {
  #lastSequenceId: number;
  readonly #options: ModelProducerOptions;
  readonly #lane = new Lane();
  readonly #pending = new Set<Promise<unknown>>();
  /** Raised when the caller hears of a failure; the broker refuses what was called under one that has failed. */
  #generation = 0;
  #failedGeneration = -1;
  #isClosed = false;

  constructor(options: ModelProducerOptions) {
    super();
    this.#options = options;
    this.#lastSequenceId = options.lastSequenceId;
  }

  get lastSequenceId(): number {
    return this.#lastSequenceId;
  }

  async send(message: OutgoingMessage): Promise<SendReceipt> {
    const { process, place, producerName } = this.#options;
    const { topic, partition } = place;
    if (this.#isClosed) throw new ClosedError(`producer ${producerName} of ${topic}`);
    const payload = Buffer.from(message.payload);
    if (payload.byteLength > MAX_MESSAGE_BYTES)
      throw new MessageTooLargeError(topic, payload.byteLength, MAX_MESSAGE_BYTES);
    const call: Call = { kind: 'send', target: `${topic}|${partition}` };
    const generation = this.#generation;
    const sent = process.call(call, () => this.#store(call, { ...message, payload }, generation), {
      lane: this.#lane,
      onFault: () => (this.#failedGeneration = Math.max(this.#failedGeneration, generation)),
    });
    this.#pending.add(sent);
    try {
      const receipt = await sent;
      this.#lastSequenceId = Math.max(this.#lastSequenceId, message.sequenceId ?? -1);
      return receipt;
    } catch (error) {
      if (generation === this.#generation) this.#generation++;
      throw error;
    } finally {
      this.#pending.delete(sent);
    }
  }

  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    await Promise.allSettled(this.#pending);
    const { process, place, handle } = this.#options;
    const target = `${place.topic}|${place.partition}`;
    await process.call({ kind: 'close', target }, () => closeHandle(handle), { lane: this.#lane });
  }

  #store(call: Call, message: OutgoingMessage, generation: number): SendReceipt {
    const { process, place, handle, producerName } = this.#options;
    if (handle.isClosed) throw new ClosedError(`producer ${producerName} of ${place.topic}`);
    if (generation <= this.#failedGeneration) throw new SimulatedFaultError(call, 'refused');
    const { startMs, time } = process.world;
    return place.append(message, producerName, startMs + time.nowMs);
  }
}
