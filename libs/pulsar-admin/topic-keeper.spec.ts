import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import { SystemClock } from '#libs/kernel';
import { TopicMismatchError } from '#libs/messaging';
import { describeWithPulsar } from '#libs/testing';
import { PulsarAdmin } from './pulsar-admin.js';
import { PulsarConflictError } from './pulsar-admin.errors.js';
import { TopicKeeper } from './topic-keeper.js';

const SCHEMA = JSON.stringify({
  type: 'record',
  name: 'Row',
  fields: [{ name: 'id', type: ['null', 'string'], default: null }],
});

describeWithPulsar('topics on Pulsar', ({ admin: address }) => {
  const namespace = `keeper-${randomUUID()}`;
  const admin = new PulsarAdmin({ address });
  const keeper = new TopicKeeper(admin, { clock: new SystemClock() });
  let made = 0;
  const freshTopic = (scheme = 'persistent'): string => `${scheme}://public/${namespace}/t${made++}`;
  const settingsOf = (differences: readonly { readonly setting: string }[]): readonly string[] =>
    differences.map(({ setting }) => setting);

  beforeAll(() => admin.tenants.createNamespace('public', namespace));
  afterAll(async () => {
    for (const topic of await admin.topics.list('public', namespace)) await admin.topics.delete(topic);
    await admin.tenants.deleteNamespace('public', namespace);
  });

  test('one that is missing is a difference until it is applied, and none after that', async () => {
    const wanted = { name: freshTopic(), partitions: 2, subscriptions: ['a', 'b'] };
    const missing = {
      topic: wanted.name,
      setting: 'topic',
      found: 'none',
      wanted: '2 partitions, subscriptions: a, b',
      isFixed: false,
    };
    expect(await keeper.differences(wanted)).toEqual([missing]);
    expect(await keeper.apply(wanted)).toEqual([missing]);
    expect(await keeper.differences(wanted)).toEqual([]);
    expect(await keeper.apply(wanted)).toEqual([]);
    expect(await admin.subscriptions.list(wanted.name, { partition: 1 })).toEqual(['a', 'b']);
  });

  test('one without subscriptions is kept and deduplicated in every partition', async () => {
    const wanted = { name: freshTopic(), partitions: 3 };
    await keeper.apply(wanted);
    for (const partition of [0, 1, 2]) {
      const stats = await admin.topics.stats(wanted.name, partition);
      expect(stats.deduplicationStatus).toBe('Enabled');
    }
    const applied = await admin.topicPolicies(wanted.name).applied();
    expect(applied).toMatchObject({
      retention: { retentionTimeInMinutes: 7 * 24 * 60, retentionSizeInMB: -1 },
      inactiveTopics: { deleteWhileInactive: false },
    });
  });

  test('one that is not persistent has partitions and nothing else to compare', async () => {
    const wanted = { name: freshTopic('non-persistent'), partitions: 2 };
    await keeper.apply(wanted);
    expect(await keeper.differences(wanted)).toEqual([]);
    expect(await keeper.differences({ ...wanted, partitions: 3 })).toMatchObject([{ isFixed: true }]);
  });

  test('another number of partitions is told and never changed', async () => {
    const wanted = { name: freshTopic(), partitions: 2 };
    await keeper.apply(wanted);
    expect(await keeper.differences({ ...wanted, partitions: 4 })).toEqual([
      { topic: wanted.name, setting: 'partitions', found: '2', wanted: '4', isFixed: true },
    ]);
    await expect(keeper.apply({ ...wanted, partitions: 4 })).rejects.toBeInstanceOf(TopicMismatchError);
    expect(await admin.topics.partitions(wanted.name)).toBe(2);
  });

  describe('a setting that could lose or double messages is found, named and put right:', () => {
    const policiesOf = (topic: string) => admin.topicPolicies(topic);
    const cases: readonly (readonly [
      setting: string,
      found: string,
      spoil: (topic: string) => Promise<void>,
    ])[] = [
      ['deduplication', 'off', (topic) => policiesOf(topic).setDeduplication(false)],
      ['message TTL', '90s', (topic) => policiesOf(topic).setMessageTtl(90)],
      [
        'backlog quota (destination_storage)',
        'consumer_backlog_eviction at 1000 bytes: unread messages are thrown away',
        (topic) =>
          policiesOf(topic).setBacklogQuota('destination_storage', {
            limitSize: 1_000,
            limitTime: -1,
            policy: 'consumer_backlog_eviction',
          }),
      ],
      [
        'inactive topics',
        'removed after 1h (delete_when_subscriptions_caught_up)',
        (topic) =>
          policiesOf(topic).setInactiveTopics({
            inactiveTopicDeleteMode: 'delete_when_subscriptions_caught_up',
            maxInactiveDurationSeconds: 3_600,
            deleteWhileInactive: true,
          }),
      ],
      [
        'compaction',
        'at 5000 bytes: a reader may get the last message of a key alone',
        (topic) => policiesOf(topic).setCompactionThreshold(5_000),
      ],
      [
        'retention',
        '1h, at most 10 MiB',
        (topic) => policiesOf(topic).setRetention({ retentionTimeInMinutes: 60, retentionSizeInMB: 10 }),
      ],
      ['subscription', 'none', (topic) => admin.subscriptions.delete({ topic, subscription: 's' })],
    ];
    test.each(cases)('%s, %s', async (setting, found, spoil) => {
      const wanted = { name: freshTopic(), partitions: 1, subscriptions: ['s'] };
      await keeper.apply(wanted);
      await spoil(wanted.name);
      expect(await keeper.differences(wanted)).toMatchObject([{ setting, found, isFixed: false }]);
      expect(settingsOf(await keeper.apply(wanted))).toEqual([setting]);
      expect(await keeper.differences(wanted)).toEqual([]);
    });

    test('the bound of a backlog stays, unread messages are no longer thrown away', async () => {
      const wanted = { name: freshTopic(), partitions: 1 };
      await keeper.apply(wanted);
      const quota = { limitSize: 5_000, limitTime: -1, policy: 'consumer_backlog_eviction' as const };
      await admin.topicPolicies(wanted.name).setBacklogQuota('destination_storage', quota);
      await keeper.apply(wanted);
      const { backlogQuotas } = await admin.topicPolicies(wanted.name).own();
      expect(backlogQuotas?.destination_storage).toMatchObject({
        limitSize: 5_000,
        policy: 'producer_exception',
      });
    });

    test('what the namespace sets counts where the topic says nothing', async () => {
      const wanted = { name: freshTopic(), partitions: 1 };
      await keeper.apply(wanted);
      const policies = admin.namespacePolicies('public', namespace);
      await policies.setMessageTtl(3_600);
      try {
        expect(await keeper.differences(wanted)).toMatchObject([{ setting: 'message TTL', found: '1h' }]);
        await keeper.apply(wanted);
        expect(await keeper.differences(wanted)).toEqual([]);
        expect((await policies.own()).messageTtlSeconds).toBe(3_600);
      } finally {
        await policies.remove('messageTtlSeconds');
      }
    });
  });

  test('more than is wanted is left alone', async () => {
    const wanted = { name: freshTopic(), partitions: 1, retentionMs: 60_000, subscriptions: ['mine'] };
    await keeper.apply(wanted);
    const policies = admin.topicPolicies(wanted.name);
    await policies.setRetention({ retentionTimeInMinutes: -1, retentionSizeInMB: -1 });
    await admin.subscriptions.create({ topic: wanted.name, subscription: 'theirs' }, 'latest');
    expect(await keeper.differences(wanted)).toEqual([]);
  });

  test('a schema is registered once; one that would break a reader is refused', async () => {
    const schema = { type: 'JSON' as const, schema: SCHEMA };
    const wanted = { name: freshTopic(), partitions: 1, schema };
    await keeper.apply(wanted);
    expect(await keeper.differences(wanted)).toEqual([]);
    expect((await admin.schemas.latest(wanted.name))?.version).toBe(0);
    const broken = SCHEMA.replace(/"type":\["null","string"\],"default":null/, '"type":"int"');
    const other = { ...wanted, schema: { ...schema, schema: broken } };
    expect(await keeper.differences(other)).toMatchObject([{ setting: 'schema' }]);
    await expect(keeper.apply(other)).rejects.toBeInstanceOf(PulsarConflictError);
  });

  test('several who apply at the same time make it once', async () => {
    const wanted = { name: freshTopic(), partitions: 2, subscriptions: ['r', 's', 't'] };
    await Promise.all(Array.from({ length: 6 }, () => keeper.apply(wanted)));
    expect(await keeper.differences(wanted)).toEqual([]);
  });
});
