// Alerts by npm's pulsar-client, as by Pulsar's client for any other language.
// node subscribe-native.mjs pulsar://127.0.0.1:6650 [namespace]

import Pulsar from 'pulsar-client';

const [serviceUrl = 'pulsar://127.0.0.1:6650', namespace = 'public/default'] = process.argv.slice(2);
const client = new Pulsar.Client({ serviceUrl, logLevel: 3 });
const consumer = await client.subscribe({
  topic: `persistent://${namespace}/web.alerts`,
  subscription: 'plain-native',
  subscriptionType: 'Failover',
  subscriptionInitialPosition: 'Earliest',
});
process.stdout.write('native: listening\n');

let isStopped = false;
process.once('SIGTERM', () => (isStopped = true));

// The same id is the same transition: whoever has seen it drops the repeat. A service would keep the ids with its work.
const seen = new Set();
while (!isStopped) {
  const message = await consumer.receive(500).catch(() => undefined);
  if (message === undefined) continue;
  const id = message.getProperties().ce_id;
  if (!seen.has(id)) {
    seen.add(id);
    const alert = JSON.parse(message.getData().toString());
    process.stdout.write(`native: ${alert.labels.stream} ${alert.rule} ${alert.status} (${id})\n`);
  }
  // Only now: what is not acknowledged comes again.
  await consumer.acknowledge(message);
}
await consumer.close();
await client.close();
