import { randomUUID } from 'node:crypto';
import { expect, it } from '@jest/globals';
import fc from 'fast-check';
import { SystemClock } from '#libs/kernel';
import type { MessageProducer, OutgoingMessage } from '#libs/messaging';
import { Telemetry } from '#libs/observability';
import { partitionTopic, PulsarAdmin, topicPath } from '#libs/pulsar-admin';
import { describeWithPulsar, textOf } from '#libs/testing';
import { LineToBroker } from './fixture/line-to-broker.js';
import { WebSocketBroker } from './websocket-broker.js';

// A broker that loads a topic with settings of its own reads its numbers twice at once (apache/pulsar#25954). Now and then
// a connection that is made meanwhile, and leaves the numbers to it, begins too low: the broker drops what comes through it
// as repeats, and answers that it is stored. Of sixty loads it does so in a few.

const LOADS = (fc.readConfigureGlobal().numRuns ?? 200) >= 2_000 ? 300 : 60;
const PER_LOAD = 20;

describeWithPulsar('a topic that the broker loads again', ({ webSocket, admin: address }) => {
  it.each([
    ['of a producer that numbers them', (n: number) => n],
    ['without numbers', () => undefined],
  ])(
    `${LOADS} times loses no message %s and has none twice`,
    async (_title, numberOf) => {
      const line = await LineToBroker.open(webSocket);
      const telemetry = new Telemetry({ logLevel: 'silent' });
      const broker = new WebSocketBroker({
        address: line.webSocket,
        adminAddress: address,
        clock: new SystemClock(),
        telemetry,
      });
      try {
        const topic = `persistent://public/default/loaded-${randomUUID()}`;
        await broker.ensureTopic({ name: topic, partitions: 1, subscriptions: ['s'] });
        await compareNumbers(new PulsarAdmin({ address }), topic);
        const producer = await broker.openProducer({ topic, partition: 0, producerName: 'p' });
        let refusals = 0;
        for (let load = 0; load <= LOADS; load++) {
          refusals += await send(producer, load, numberOf);
          await fetch(`${address}/admin/v2/${topicPath(partitionTopic(topic, 0))}/unload`, { method: 'PUT' });
          line.cut();
        }
        process.stderr.write(`${LOADS} loads: the broker dropped messages through ${refusals} connections\n`);
        const count = (LOADS + 1) * PER_LOAD;
        expect(await stored(broker, topic)).toEqual(Array.from({ length: count }, (_, n) => `n${n}`));
      } finally {
        await broker.close();
        await line.close();
      }
    },
    600_000,
  );
});

async function compareNumbers(admin: PulsarAdmin, topic: string): Promise<void> {
  await admin.topicPolicies(topic).setDeduplication(true);
  while ((await admin.topics.stats(topic, 0)).deduplicationStatus !== 'Enabled');
}

/** Until all are stored; answers how often the broker dropped some. */
async function send(
  producer: MessageProducer,
  load: number,
  numberOf: (n: number) => number | undefined,
): Promise<number> {
  let refusals = 0;
  const to = (load + 1) * PER_LOAD;
  for (let next = load * PER_LOAD; next < to;) {
    const sent = Array.from({ length: to - next }, (_, index) =>
      producer.send(aMessage(next + index, numberOf(next + index))),
    );
    const settled = await Promise.allSettled(sent);
    const failed = settled.findIndex(({ status }) => status === 'rejected');
    if (failed < 0) return refusals;
    next += failed;
    refusals += Number((settled[failed] as PromiseRejectedResult).reason.code === 'SEND_REFUSED');
  }
  return refusals;
}

async function stored(broker: WebSocketBroker, topic: string): Promise<string[]> {
  const reader = await broker.openReader({ topic, partition: 0, from: 'earliest' });
  const found: string[] = [];
  while (!(await reader.isCaughtUp())) {
    found.push(
      ...(await reader.receive({ maxMessages: 1_000, maxBytes: 1_000_000, waitMs: 5_000 })).map(textOf),
    );
  }
  return found;
}

function aMessage(n: number, sequenceId: number | undefined): OutgoingMessage {
  return { payload: Buffer.from(`n${n}`), ...(sequenceId === undefined ? {} : { sequenceId }) };
}
