import { expect, test } from '@jest/globals';
import { Telemetry } from '#libs/observability';
import { ManualClock, receiveMany, textOf } from '#libs/testing';
import { LiveTopic } from './live-topic.js';

test('a reader that does not keep up loses the oldest, and they are counted', async () => {
  const telemetry = new Telemetry({ logLevel: 'silent' });
  const topic = new LiveTopic({
    name: 'non-persistent://public/default/web.live',
    partitions: 1,
    clock: new ManualClock(),
    telemetry,
    maxMessageBytes: 100,
  });
  const slow = topic.openReader(0, () => undefined);
  for (let n = 0; n < 1_010; n++) topic.publish(0, 'p', { payload: Buffer.from(String(n)) });
  const received = await receiveMany(slow, 2_000, 0);
  expect(received.map(textOf)).toEqual(Array.from({ length: 1_000 }, (_, i) => String(i + 10)));
  const { text } = await telemetry.metrics();
  expect(text).toMatch(/millrace_live_dropped_messages_total\{.*\} 10$/m);
});
