import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { lastValueFrom } from 'rxjs';
import { SystemClock } from '#libs/kernel';
import { type Delivery, partitionOf } from '#libs/messaging';
import { EmbeddedBroker } from '#libs/messaging-embedded';
import { Telemetry } from '#libs/observability';
import { ManualClock, receiveMany, textOf } from '#libs/testing';
import { topicOf } from './fixture/subscriber-service.js';
import { MillraceClient } from './index.js';

const NOTES = topicOf('notes');

let folder: string;
let broker: EmbeddedBroker;
let client: MillraceClient;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'millrace-client-'));
  const telemetry = new Telemetry({ logLevel: 'silent' });
  broker = await EmbeddedBroker.open({ folder, clock: new SystemClock(), telemetry, maxBytes: 1e8 });
  await broker.ensureTopic({ name: NOTES, partitions: 3 });
  client = new MillraceClient({ broker, clock: new ManualClock(9_000) });
});
afterEach(async () => {
  await client.close();
  await broker.close();
  rmSync(folder, { recursive: true, force: true });
});

async function stored(partition: number, count: number): Promise<readonly Delivery[]> {
  const reader = await broker.openReader({ topic: NOTES, partition, from: 'earliest' });
  return await receiveMany(reader, count, 0);
}

async function emit(pattern: unknown, data: unknown): Promise<unknown> {
  return await lastValueFrom(client.emit(pattern, data), { defaultValue: undefined });
}

describe('emit', () => {
  it('stores a CloudEvent in the partition of its key, in the order of the calls', async () => {
    const target = {
      topic: 'web.notes',
      key: 'k',
      type: 'note',
      timeMs: 1_000,
      properties: { a: 'b', ce_id: 'x' },
    };
    await Promise.all([1, 2, 3].map((n) => emit({ ...target, id: `id-${n}` }, { n })));
    const found = await stored(partitionOf('k', 3), 3);
    expect(found.map(textOf)).toEqual(['{"n":1}', '{"n":2}', '{"n":3}']);
    expect(found[0]).toMatchObject({
      key: 'k',
      eventTimeMs: 1_000,
      properties: { a: 'b', ce_id: 'id-1', ce_type: 'note', ce_source: '/services' },
    });
  });

  it('makes up what it is not told', async () => {
    await emit('web.notes', { n: 1 });
    const [note] = (await Promise.all([0, 1, 2].map((partition) => stored(partition, 1)))).flat();
    expect(note).toMatchObject({ eventTimeMs: 9_000, properties: { ce_type: 'web.notes' } });
    expect(note?.key).toBe(note?.properties['ce_id']);
  });

  it('fails where the topic is missing, or its name is none; and goes on after that', async () => {
    await expect(emit('web.later', {})).rejects.toMatchObject({ code: 'TOPIC_MISSING' });
    await expect(emit('later', {})).rejects.toMatchObject({ code: 'EVENT_UNSENDABLE' });
    await broker.ensureTopic({ name: topicOf('later'), partitions: 1 });
    await expect(emit('web.later', {})).resolves.toBeUndefined();
  });
});

describe('what can not be sent', () => {
  it.each([
    ['data that are no JSON', 'web.notes', { n: 1n }, 'its data are to be JSON'],
    ['a function', 'web.notes', () => 1, 'its data are to be JSON'],
    ['a time that is none', { topic: 'web.notes', timeMs: NaN }, {}, 'its time epoch milliseconds'],
    ['a topic that only Millrace reads', 'web.enriched', {}, "that topic is Millrace's own"],
    ['no topic', { key: 'k' }, {}, 'that is no topic'],
  ])('is refused with the reason: %s', async (_name, pattern, data, reason) => {
    await broker.ensureTopic({ name: topicOf('enriched'), partitions: 1 });
    await expect(emit(pattern, data)).rejects.toMatchObject({
      code: 'EVENT_UNSENDABLE',
      message: expect.stringContaining(reason),
    });
  });

  it('is no event for a pipeline', async () => {
    await broker.ensureTopic({ name: topicOf('raw'), partitions: 1 });
    await expect(emit('web.raw', { path: '/' })).resolves.toBeUndefined();
  });
});

it('has no requests', async () => {
  await expect(lastValueFrom(client.send('web.notes', {}))).rejects.toMatchObject({
    code: 'REQUEST_UNSUPPORTED',
  });
});
