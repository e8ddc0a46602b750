import { SystemClock } from '#libs/kernel';
import { Telemetry } from '#libs/observability';
import { EmbeddedBroker } from './embedded-broker.js';

// A process for log-crash.spec.ts: sends numbered messages to two partitions as fast as it can, many at once, acknowledges
// some, and says which numbers are stored, until it is killed.
const topic = 'persistent://public/default/web.raw';
const PAYLOAD = Buffer.alloc(5_000, 'x');
const broker = await EmbeddedBroker.open({
  folder: process.argv[2] ?? '',
  clock: new SystemClock(),
  telemetry: new Telemetry({ logLevel: 'silent' }),
  maxBytes: Number(process.argv[3]),
});
await broker.ensureTopic({ name: topic, partitions: 2, subscriptions: ['s'] });
process.on('disconnect', () => process.exit());

await Promise.all([
  ...[0, 1].map(async (partition) => {
    const producer = await broker.openProducer({ topic, partition, producerName: 'p' });
    for (let sequenceId = producer.lastSequenceId + 1; ; sequenceId += 20) {
      const numbers = Array.from({ length: 20 }, (_, i) => sequenceId + i);
      await Promise.all(
        numbers.map(async (number) => {
          await producer.send({
            payload: PAYLOAD,
            sequenceId: number,
            properties: { number: String(number) },
          });
          process.send?.({ partition, stored: number });
        }),
      );
    }
  }),
  ...[0, 1].map(async (partition) => {
    const consumer = await broker.openConsumer({ topic, partition, subscription: 's' });
    for (;;) {
      const received = await consumer.receive({ maxMessages: 50, maxBytes: 1_000_000, waitMs: 1_000 });
      const last = received.at(-1);
      if (last === undefined) continue;
      await consumer.acknowledgeUpTo(last.position);
      process.send?.({ partition, acknowledged: last.sequenceId });
    }
  }),
]);
