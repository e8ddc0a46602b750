import { SystemClock } from '#libs/kernel';
import { Telemetry } from '#libs/observability';
import { describeBrokerContract, describeWithPulsar } from '#libs/testing';
import { WebSocketBroker } from './websocket-broker.js';

describeWithPulsar('over WebSocket', ({ webSocket }) => {
  describeBrokerContract('the WebSocket client of Pulsar', {
    capabilities: { durable: true, shared: true, nonPersistent: true },
    open: async () => {
      const open = (): WebSocketBroker =>
        new WebSocketBroker({
          address: webSocket,
          clock: new SystemClock(),
          telemetry: new Telemetry({ logLevel: 'silent' }),
        });
      let broker = open();
      return {
        broker,
        reopen: async () => {
          await broker.close();
          broker = open();
          return broker;
        },
        dispose: () => broker.close(),
      };
    },
  });
});
