import { SystemClock } from '#libs/kernel';
import { type Delivery, PRODUCER_PROPERTY, SEQUENCE_PROPERTY } from '#libs/messaging';
import { WebSocketBroker } from '#libs/messaging-websocket';
import { Telemetry } from '#libs/observability';
import { type PulsarAdmin, topicPath, type TopicStats } from '#libs/pulsar-admin';
import { publishForeign } from './foreign-producer.js';
import { until } from './until.js';
import type { PulsarNamespace } from './pulsar-namespace.js';

/** As many as the shipped pipeline has of everything. */
export const PARTITIONS = [0, 1, 2, 3] as const;
/** A producer over WebSocket looks no further back for its own last number when it opens. */
const LOOKED_BACK_ENTRIES = 2_000;

/** What brokers do to their clients now and then, and operators to brokers; and what can be seen there. */
export class BrokerAccidents {
  constructor(
    private readonly admin: PulsarAdmin,
    private readonly namespace: PulsarNamespace,
    private readonly patienceMs: number,
  ) {}

  /** What is stored in a topic is stored there once more, as by a broker that has forgotten its producers. */
  async repeatAll(noun: string): Promise<void> {
    for (const partition of PARTITIONS) {
      const stored = await this.storedIn(noun, partition);
      const path = this.namespace.topic(noun).replace('://', '/');
      const socket = new WebSocket(
        `${this.namespace.webSocket}/ws/v2/producer/${path}-partition-${partition}`,
      );
      await new Promise<void>((answered, failed) => {
        let answers = 0;
        socket.addEventListener('message', () => {
          if (++answers === stored.length) answered();
        });
        socket.addEventListener('close', ({ reason }) => failed(new Error(`${path} closed: ${reason}`)));
        socket.addEventListener('open', () => {
          for (const { payload, properties } of stored)
            socket.send(JSON.stringify({ payload: Buffer.from(payload).toString('base64'), properties }));
        });
      });
      socket.close();
    }
  }

  /** A subscription stands behind everything that is there, as after a reset to the wrong place. */
  async skipAll(noun: string, subscription: string): Promise<void> {
    for (const partition of PARTITIONS)
      await this.#ask('POST', noun, partition, `subscription/${subscription}/skip_all`);
  }

  /**
   * The broker forgets who has sent what to a topic, as it does with producers that were silent for hours, and others
   * have written so much meanwhile that the end of the topic does not tell either.
   */
  async forgetProducers(noun: string): Promise<void> {
    await this.#setDeduplication(noun, false);
    await this.#setDeduplication(noun, true);
    const others = Array.from({ length: LOOKED_BACK_ENTRIES + 1 }, () => ({ payload: 'of others' }));
    await Promise.all(PARTITIONS.map((partition) => publishForeign(this.namespace, partition, others, noun)));
  }

  /**
   * What every reader has acknowledged of a topic goes, as whole ledgers do that are full. The broker's own memory of the
   * producers would keep it, too, for two minutes.
   */
  async removeAcknowledged(noun: string): Promise<void> {
    await this.#setDeduplication(noun, false);
    for (const partition of PARTITIONS) {
      await this.#ask('PUT', noun, partition, 'unload');
      await until(
        () =>
          this.#ask('POST', noun, partition, 'trim').then(
            () => true,
            () => false,
          ),
        Boolean,
        this.patienceMs,
      );
    }
    await this.#setDeduplication(noun, true);
  }

  /** Until a subscription has acknowledged all that is there. */
  async untilAcknowledged(noun: string, subscription: string): Promise<void> {
    for (const partition of PARTITIONS) {
      await until(
        () => this.#stats(noun, partition),
        ({ subscriptions, msgInCounter }) =>
          msgInCounter > 0 && subscriptions[subscription]?.msgBacklog === 0,
        this.patienceMs,
      );
    }
  }

  /** The highest number of a producer in each partition; −1 where there is none. */
  async lastNumbers(noun: string, producer: string): Promise<readonly number[]> {
    return await Promise.all(
      PARTITIONS.map(async (partition) => {
        const stored = await this.storedIn(noun, partition);
        const theirs = stored.filter(({ properties }) => properties[PRODUCER_PROPERTY] === producer);
        return Math.max(-1, ...theirs.map(({ properties }) => Number(properties[SEQUENCE_PROPERTY])));
      }),
    );
  }

  async storedIn(noun: string, partition: number): Promise<readonly Delivery[]> {
    const telemetry = new Telemetry({ logLevel: 'silent' });
    const broker = new WebSocketBroker({
      address: this.namespace.webSocket,
      clock: new SystemClock(),
      telemetry,
    });
    try {
      const topic = this.namespace.topic(noun);
      const reader = await broker.openReader({ topic, partition, from: 'earliest' });
      const found: Delivery[] = [];
      while (!(await reader.isCaughtUp()))
        found.push(...(await reader.receive({ maxMessages: 1_000, maxBytes: 2 ** 24, waitMs: 1_000 })));
      await reader.close();
      return found;
    } finally {
      await broker.close();
    }
  }

  #stats(noun: string, partition: number): Promise<TopicStats> {
    return this.admin.topics.stats(this.namespace.topic(noun), partition);
  }

  async #setDeduplication(noun: string, isOn: boolean): Promise<void> {
    await this.admin.topicPolicies(this.namespace.topic(noun)).setDeduplication(isOn);
    for (const partition of PARTITIONS) {
      await until(
        () => this.#stats(noun, partition),
        ({ deduplicationStatus }) => deduplicationStatus === (isOn ? 'Enabled' : 'Disabled'),
        this.patienceMs,
      );
    }
  }

  async #ask(method: string, noun: string, partition: number, what: string): Promise<void> {
    const path = `${topicPath(this.namespace.topic(noun), partition)}/${what}`;
    const response = await fetch(`${this.admin.address}/admin/v2/${path}`, { method });
    if (!response.ok) throw new Error(`${path}: ${response.status} ${await response.text()}`);
  }
}
