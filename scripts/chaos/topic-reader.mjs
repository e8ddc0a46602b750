// Reads everything that a topic holds, as any client of Pulsar's WebSocket API would.

import { WebSocket } from 'ws';

/** What the broker holds back of what is not acknowledged; a reader has nothing else to acknowledge. */
const QUEUE_SIZE = 1_000;
const SILENT_MS = 60_000;

/**
 * @param addresses of the broker: `webSocket` and `admin`
 * @param topic `public/default/web.results`, partitioned
 * @param onMessage told of each message: `{id, publishedMs, data}`
 */
export async function readTopic(addresses, topic, onMessage) {
  const { partitions } = await json(`${addresses.admin}/admin/v2/persistent/${topic}/partitions`);
  for (let partition = 0; partition < partitions; partition++)
    await readPartition(addresses, `${topic}-partition-${partition}`, onMessage);
}

async function readPartition({ admin, webSocket }, topic, onMessage) {
  const { numberOfEntries } = await json(`${admin}/admin/v2/persistent/${topic}/internalStats`);
  if (numberOfEntries === 0) return;
  const url = `${webSocket}/ws/v2/reader/persistent/${topic}?messageId=earliest&receiverQueueSize=${QUEUE_SIZE}`;
  const socket = new WebSocket(url);
  let left = numberOfEntries;
  await new Promise((done, fail) => {
    const silence = setTimeout(
      () => fail(new Error(`${topic}: ${left} of ${numberOfEntries} messages do not come`)),
      SILENT_MS,
    );
    socket.on('error', fail);
    socket.on('close', () => fail(new Error(`${topic}: the broker has closed the reader`)));
    socket.on('message', (text) => {
      const { messageId, payload, properties, publishTime } = JSON.parse(text);
      silence.refresh();
      socket.send(JSON.stringify({ messageId }));
      onMessage({
        id: properties.ce_id,
        publishedMs: Date.parse(publishTime),
        data: JSON.parse(Buffer.from(payload, 'base64').toString('utf8')),
      });
      left--;
      if (left === 0) done(clearTimeout(silence));
    });
  }).finally(() => socket.close());
}

async function json(url) {
  const answer = await fetch(url);
  if (!answer.ok) throw new Error(`${url}: ${answer.status} ${await answer.text()}`);
  return await answer.json();
}
