import { WebSocket } from 'ws';
import { IN_FLIGHT } from './payloads.js';

// Pulsar's WebSocket API with nothing around it: what a careful program would write for this one measurement.

const PERMITS = 256;

/** Stores payloads in their order; resolves when all are. */
export async function sendBare(url: string, payloads: Iterable<Uint8Array>): Promise<void> {
  const socket = await open(url);
  let sent = 0;
  let stored = 0;
  let wake: () => void = () => undefined;
  socket.on('message', () => {
    stored++;
    wake();
  });
  for (const payload of payloads) {
    while (sent - stored >= IN_FLIGHT) await new Promise<void>((resolve) => (wake = resolve));
    const text = Buffer.from(payload.buffer, payload.byteOffset, payload.byteLength).toString('base64');
    socket.send(JSON.stringify({ payload: text, context: String(sent++) }));
  }
  while (stored < sent) await new Promise<void>((resolve) => (wake = resolve));
  socket.close();
}

/** Receives and acknowledges so many messages, each handed to `take`. */
export async function receiveBare(
  url: string,
  messages: number,
  take: (payload: Uint8Array) => void,
): Promise<void> {
  const socket = await open(url);
  let received = 0;
  await new Promise<void>((done) => {
    socket.on('message', (data: Buffer) => {
      const { messageId, payload } = JSON.parse(data.toString()) as { messageId: string; payload: string };
      take(Buffer.from(payload, 'base64'));
      socket.send(JSON.stringify({ messageId }));
      received++;
      if (received % (PERMITS / 2) === 0)
        socket.send(JSON.stringify({ type: 'permit', permitMessages: PERMITS / 2 }));
      if (received === messages) done();
    });
    socket.send(JSON.stringify({ type: 'permit', permitMessages: PERMITS }));
  });
  socket.close();
}

async function open(url: string): Promise<WebSocket> {
  const socket = new WebSocket(url, { perMessageDeflate: false });
  await new Promise((opened, failed) => socket.once('open', opened).once('error', failed));
  return socket;
}
