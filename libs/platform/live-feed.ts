import { Inject, Injectable } from '@nestjs/common';
import { ClosedError, type LiveMessage, MessageBroker, type MessageProducer } from '#libs/messaging';
import { Configuration } from './configuration.js';
import { Pipelines } from './pipelines.js';

/** Publishes on `<pipeline>.live`: best effort, nobody waits for it and nothing is repeated. */
@Injectable()
export class LiveFeed {
  readonly #producers = new Map<string, Promise<MessageProducer>>();

  constructor(
    @Inject(MessageBroker) private readonly broker: MessageBroker,
    @Inject(Pipelines) private readonly pipelines: Pipelines,
    @Inject(Configuration) private readonly configuration: Configuration,
  ) {}

  publish(pipeline: string, message: LiveMessage): void {
    const payload = Buffer.from(JSON.stringify(message));
    this.#producer(pipeline)
      .then((producer) => producer.send({ payload }))
      .catch((error: unknown) => {
        // One that is open comes back by itself, and keeps its name until then.
        if (error instanceof ClosedError) this.#producers.delete(pipeline);
      });
  }

  #producer(pipeline: string): Promise<MessageProducer> {
    let producer = this.#producers.get(pipeline);
    if (producer === undefined) {
      const topic = this.pipelines.topic(pipeline, 'live');
      const producerName = `live/${this.configuration.processId}`;
      producer = this.broker.openProducer({ topic, partition: 0, producerName });
      this.#producers.set(pipeline, producer);
      producer.catch(() => this.#producers.delete(pipeline));
    }
    return producer;
  }
}
