// Alerts by Pulsar's WebSocket API, without a client: any language with WebSockets and JSON can do the same.
// node subscribe-websocket.mjs ws://127.0.0.1:8080 [namespace]

const [broker = 'ws://127.0.0.1:8080', namespace = 'public/default'] = process.argv.slice(2);
const topic = `persistent/${namespace}/web.alerts`;
const socket = new WebSocket(`${broker}/ws/v2/consumer/${topic}/plain-websocket?subscriptionType=Failover`);

// The same id is the same transition: whoever has seen it drops the repeat. A service would keep the ids with its work.
const seen = new Set();

socket.onopen = () => process.stdout.write('websocket: listening\n');
socket.onmessage = ({ data }) => {
  const { messageId, payload, properties } = JSON.parse(data);
  if (!seen.has(properties.ce_id)) {
    seen.add(properties.ce_id);
    const alert = JSON.parse(Buffer.from(payload, 'base64').toString());
    process.stdout.write(
      `websocket: ${alert.labels.stream} ${alert.rule} ${alert.status} (${properties.ce_id})\n`,
    );
  }
  // Only now: what is not acknowledged comes again.
  socket.send(JSON.stringify({ messageId }));
};
socket.onerror = ({ message }) => {
  process.stderr.write(`websocket: ${message}\n`);
  process.exitCode = 1;
};
process.once('SIGTERM', () => socket.close());
