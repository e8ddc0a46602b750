import { randomUUID } from 'node:crypto';
import { expect, it } from '@jest/globals';
import { type Clock, SystemClock } from '#libs/kernel';
import { Telemetry } from '#libs/observability';
import { PulsarAdmin } from '#libs/pulsar-admin';
import { describeWithPulsar, receiveMany, textOf } from '#libs/testing';
import { WebSocketBroker } from './websocket-broker.js';

// Two processes write under one name, one after the other, without numbers. The clock of the first is a quarter of an hour ahead.

class ClockAhead extends SystemClock {
  override nowMs(): number {
    return super.nowMs() + 900_000;
  }
}

describeWithPulsar(
  'a producer whose clock is behind that of the one before',
  ({ webSocket, admin: address }) => {
    it('is refused a few times, and then writes', async () => {
      const open = (clock: Clock): WebSocketBroker =>
        new WebSocketBroker({
          ...{ address: webSocket, adminAddress: address, clock },
          telemetry: new Telemetry({ logLevel: 'silent' }),
        });
      const [ahead, behind] = [open(new ClockAhead()), open(new SystemClock())];
      try {
        const topic = `persistent://public/default/clocks-${randomUUID()}`;
        await ahead.ensureTopic({ name: topic, partitions: 1, subscriptions: ['s'] });
        const admin = new PulsarAdmin({ address });
        await admin.topicPolicies(topic).setDeduplication(true);
        while ((await admin.topics.stats(topic, 0)).deduplicationStatus !== 'Enabled');
        const place = { topic, partition: 0, producerName: 'p' };
        const first = await ahead.openProducer(place);
        await first.send({ payload: Buffer.from('first') });
        await first.close();
        const second = await behind.openProducer(place);
        let refusals = 0;
        for (let isStored = false; !isStored;)
          isStored = await second.send({ payload: Buffer.from('second') }).then(
            () => true,
            (error: unknown) => {
              expect(error).toMatchObject({ code: 'SEND_REFUSED' });
              refusals++;
              return false;
            },
          );
        expect(refusals).toBeGreaterThan(0);
        expect(refusals).toBeLessThan(100);
        const reader = await behind.openReader({ topic, partition: 0, from: 'earliest' });
        expect((await receiveMany(reader, 2)).map(textOf)).toEqual(['first', 'second']);
      } finally {
        await ahead.close();
        await behind.close();
      }
    }, 120_000);
  },
);
