import { afterAll, beforeAll, describe } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import { SystemClock } from '#libs/kernel';
import { Telemetry } from '#libs/observability';
import { PulsarAdmin } from '#libs/pulsar-admin';
import { describeBrokerContract, describeWithPulsar } from '#libs/testing';
import { loadPulsarClient } from './load-pulsar-client.js';
import { PulsarBroker } from './pulsar-broker.js';

const isLoadable = await loadPulsarClient('pulsar://').then(
  () => true,
  () => false,
);
const describeNative = isLoadable ? describe : describe.skip;

describeWithPulsar('Pulsar', ({ native, admin: adminUrl }) => {
  const namespace = `native-${randomUUID()}`;
  const admin = new PulsarAdmin({ address: adminUrl });

  describeNative('by its native client [needs pulsar-client addon]', () => {
    beforeAll(() => admin.tenants.createNamespace('public', namespace));
    afterAll(async () => {
      for (const topic of await admin.topics.list('public', namespace)) {
        await admin.topics.delete(topic, { force: true });
      }
      await admin.tenants.deleteNamespace('public', namespace);
    });

    describeBrokerContract('the broker on Pulsar', {
      capabilities: { durable: true, shared: true, nonPersistent: true },
      place: `public/${namespace}`,
      open: async () => {
        const open = (): Promise<PulsarBroker> =>
          PulsarBroker.open({
            serviceUrl: native,
            adminUrl,
            clock: new SystemClock(),
            telemetry: new Telemetry({ logLevel: 'silent' }),
          });
        let broker = await open();
        return {
          broker,
          reopen: async () => {
            await broker.close();
            broker = await open();
            return broker;
          },
          dispose: () => broker.close(),
        };
      },
    });
  });
});
