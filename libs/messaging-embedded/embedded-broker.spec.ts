import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SystemClock } from '#libs/kernel';
import { Telemetry } from '#libs/observability';
import { describeBrokerContract } from '#libs/testing';
import { EmbeddedBroker } from './embedded-broker.js';

describeBrokerContract('the embedded broker', {
  capabilities: { durable: true, shared: false, nonPersistent: true },
  open: async () => {
    const folder = await mkdtemp(join(tmpdir(), 'millrace-log-'));
    const open = (): Promise<EmbeddedBroker> =>
      EmbeddedBroker.open({
        folder,
        clock: new SystemClock(),
        telemetry: new Telemetry({ logLevel: 'silent' }),
        maxBytes: 64 * 1024 * 1024,
      });
    let broker = await open();
    return {
      broker,
      reopen: async () => {
        await broker.close();
        broker = await open();
        return broker;
      },
      dispose: async () => {
        await broker.close();
        await rm(folder, { recursive: true, force: true });
      },
    };
  },
});
