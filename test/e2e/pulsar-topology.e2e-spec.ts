import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { spawnSync } from 'node:child_process';
import { resolve } from 'node:path';
import { PulsarAdmin } from '#libs/pulsar-admin';
import { describeWithPulsar } from '#libs/testing';
import { PulsarNamespace } from './pulsar-namespace.js';
import { removeFolder, StandaloneProcess, temporaryFolder } from './standalone-process.js';

const CLI = resolve(import.meta.dirname, '../../dist/apps/cli/main.js');

describeWithPulsar('topics on Pulsar', (addresses) => {
  const admin = new PulsarAdmin({ address: addresses.admin });
  let namespace: PulsarNamespace;
  let folder: string;

  beforeEach(async () => {
    namespace = await PulsarNamespace.make(addresses);
    folder = temporaryFolder();
  });
  afterEach(async () => {
    removeFolder(folder);
    await namespace.remove();
  }, 300_000);

  /** `millrace topology …` as a person types it. */
  function topology(...args: readonly string[]): { code: number | null; out: string; complaint: string } {
    const { status, stdout, stderr } = spawnSync(process.execPath, [CLI, 'topology', ...args], {
      env: { PATH: process.env['PATH'], ...namespace.settings },
      encoding: 'utf8',
    });
    return { code: status, out: stdout, complaint: stderr };
  }

  const start = (settings: Readonly<Record<string, string>> = {}): Promise<StandaloneProcess> =>
    StandaloneProcess.start(folder, { ...namespace.settings, ...settings });

  /** How a process ends that may not put anything right. */
  async function refusal(): Promise<string> {
    const ended = await start({ MILLRACE_APPLY_TOPOLOGY: 'false' }).then(
      async (running) => {
        await running.kill();
        return 'it has started';
      },
      (error: unknown) => String(error),
    );
    return ended;
  }

  it('are planned, made, and made again without change', () => {
    const plan = topology('plan');
    expect(plan.code).toBe(0);
    expect(plan.out).toContain(
      `${namespace.topic('raw')}: topic: found none, wanted 4 partitions, subscriptions: enrich`,
    );
    expect(topology('check').code).toBe(1);
    expect(topology('apply').code).toBe(0);
    expect(topology('check')).toMatchObject({ code: 0, out: expect.stringContaining('all as wanted') });
    expect(topology('apply').out).toContain('all as wanted');
    expect(topology('plan', '--json')).toEqual({ code: 0, out: '', complaint: '' });
  }, 300_000);

  it('have schemas in the registry, those that anybody may read', async () => {
    topology('apply');
    for (const noun of ['results', 'alerts', 'notifications', 'late', 'dead']) {
      expect(await admin.schemas.latest(namespace.topic(noun))).toMatchObject({ type: 'JSON', version: 0 });
    }
    expect(await admin.schemas.latest(namespace.topic('raw'))).toBeUndefined();
  }, 300_000);

  describe('that could lose or double events keep a process from starting:', () => {
    it('all that are missing are named at once', async () => {
      const ended = await refusal();
      expect(ended).toContain('ended with 78');
      expect(ended).toContain('TOPOLOGY_MISMATCH');
      expect(ended).toContain(`${namespace.topic('raw')}: topic: found none`);
      expect(ended).toContain(`${namespace.topic('results')}: topic: found none`);
      expect(await admin.topics.list('public', namespace.name)).toEqual([]);
    }, 300_000);

    it('another number of partitions, also where topics may be put right', async () => {
      await admin.topics.create(namespace.topic('raw'), 3);
      const complaint = `${namespace.topic('raw')}: partitions: found 3, wanted 4 (fixed once a topic is made)`;
      const ended = await refusal();
      expect(ended).toContain('ended with 78');
      expect(ended).toContain(complaint);
      await expect(start()).rejects.toThrow(complaint);
      expect(topology('apply')).toMatchObject({ code: 1, complaint: expect.stringContaining(complaint) });
      // Nothing of the rest is made: who has the wrong namespace wants none of it there.
      expect(await admin.topics.list('public', namespace.name)).toEqual([namespace.topic('raw')]);
    }, 300_000);

    it('deduplication off, a TTL, eviction, no retention; and all of it is put right', async () => {
      topology('apply');
      const raw = admin.topicPolicies(namespace.topic('raw'));
      await raw.setDeduplication(false);
      await raw.setMessageTtl(90);
      await raw.setRetention({ retentionTimeInMinutes: 0, retentionSizeInMB: 0 });
      const quota = { limitSize: 1_000_000, limitTime: -1, policy: 'consumer_backlog_eviction' } as const;
      await raw.setBacklogQuota('destination_storage', quota);
      const ended = await refusal();
      expect(ended).toContain('ended with 78');
      for (const line of [
        'deduplication: found off, wanted on',
        'message TTL: found 90s, wanted none: unread messages are kept',
        'backlog quota (destination_storage): found consumer_backlog_eviction at 1000000 bytes',
        'retention: found none, wanted 7d or longer',
      ]) {
        expect(ended).toContain(`${namespace.topic('raw')}: ${line}`);
      }
      const running = await start({ MILLRACE_APPLY_TOPOLOGY: 'true' });
      expect(topology('check').code).toBe(0);
      await running.stop();
    }, 300_000);
  });

  it('are not asked of a broker that is away: 3, and the reason', () => {
    const away = topology('check', '--broker', 'ws://127.0.0.1:9');
    expect(away.code).toBe(3);
    expect(away.complaint).toContain('BROKER_UNAVAILABLE: no broker answers at http://127.0.0.1:9');
  });

  it('are not there for the embedded log: 2, and what would be right', () => {
    expect(topology('check', '--broker', 'embedded')).toMatchObject({
      code: 2,
      complaint: expect.stringContaining('wanted a Pulsar'),
    });
  });
});
