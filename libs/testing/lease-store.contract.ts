import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { type LeaseStore, type Member, type TaskId, taskName } from '#libs/storage';
import { ManualClock } from './manual-clock.js';
import type { StoreContract, StoreFixture } from './store-fixture.js';

const TASK: TaskId = { pipeline: 'web', stage: 'global', partition: 0 };
const TTL_MS = 1_000;
const MEMBER: Member = { owner: 'a', tasks: ['web/global/0', 'web/$x.y/1'], resting: [], isLeaving: false };

/** Everything that the docs of `LeaseStore` promise, tried on an adapter. */
export function describeLeaseStoreContract(name: string, contract: StoreContract): void {
  describe(`${name} keeps the contract of a lease store:`, () => {
    let fixture: StoreFixture;
    let leases: LeaseStore;
    let clock: ManualClock;

    beforeEach(async () => {
      clock = new ManualClock(1_000_000);
      fixture = await contract.open(clock);
      leases = fixture.leases;
    });
    afterEach(async () => {
      await fixture.dispose();
    });

    async function passTime(ms: number): Promise<void> {
      if (contract.passTime === undefined) clock.advance(ms);
      else await contract.passTime(ms);
    }

    test('a free task is taken, and has one owner', async () => {
      const lease = await leases.acquire(TASK, 'a', TTL_MS);
      expect(lease).toMatchObject({ task: TASK, owner: 'a', version: { commitSeq: 0 } });
      expect(await leases.acquire(TASK, 'b', TTL_MS)).toBeUndefined();
      expect(await leases.acquire({ ...TASK, partition: 1 }, 'b', TTL_MS)).toMatchObject({ owner: 'b' });
    });

    test('of many who want it at once one gets it', async () => {
      const owners = Array.from({ length: 10 }, (_, i) => `owner-${i}`);
      const got = await Promise.all(owners.map((owner) => leases.acquire(TASK, owner, TTL_MS)));
      expect(got.filter((lease) => lease !== undefined)).toHaveLength(1);
    });

    test('it expires, and not before', async () => {
      const first = await leases.acquire(TASK, 'a', TTL_MS);
      await passTime(TTL_MS * 0.6);
      expect(await leases.acquire(TASK, 'b', TTL_MS)).toBeUndefined();
      await passTime(TTL_MS * 0.6);
      const second = await leases.acquire(TASK, 'b', TTL_MS);
      expect(second!.version.epoch).toBeGreaterThan(first!.version.epoch);
      expect(await leases.renew(first!, TTL_MS)).toBe(false);
    });

    test('it lasts while it is renewed, as long as the last renewal says', async () => {
      const lease = await leases.acquire(TASK, 'a', TTL_MS);
      for (let i = 0; i < 4; i++) {
        await passTime(TTL_MS * 0.6);
        expect(await leases.renew(lease!, TTL_MS)).toBe(true);
        expect(await leases.acquire(TASK, 'b', TTL_MS)).toBeUndefined();
      }
      expect(await leases.renew(lease!, TTL_MS / 4)).toBe(true);
      await passTime(TTL_MS * 0.6);
      expect(await leases.acquire(TASK, 'b', TTL_MS)).toBeDefined();
    });

    test('given back, it is free at once', async () => {
      const lease = await leases.acquire(TASK, 'a', TTL_MS);
      await leases.release(lease!, 'released');
      expect(await leases.renew(lease!, TTL_MS)).toBe(false);
      const next = await leases.acquire(TASK, 'b', TTL_MS);
      expect(next!.version.epoch).toBeGreaterThan(lease!.version.epoch);
    });

    test('a former owner can neither renew nor give back what is another’s now', async () => {
      const former = await leases.acquire(TASK, 'a', TTL_MS);
      await passTime(TTL_MS + 1);
      const current = await leases.acquire(TASK, 'b', TTL_MS);
      await leases.release(former!, 'released');
      expect(await leases.renew(former!, TTL_MS)).toBe(false);
      expect(await leases.acquire(TASK, 'c', TTL_MS)).toBeUndefined();
      expect(await leases.renew(current!, TTL_MS)).toBe(true);
    });

    test('every taking raises the epoch, over restarts too', async () => {
      const epochs: number[] = [];
      for (let i = 0; i < 3; i++) {
        const lease = await leases.acquire(TASK, `owner-${i}`, TTL_MS);
        epochs.push(lease!.version.epoch);
        await leases.release(lease!, 'released');
      }
      const reopened = await fixture.reopen();
      epochs.push((await reopened.leases.acquire(TASK, 'later', TTL_MS))!.version.epoch);
      for (let i = 1; i < epochs.length; i++) expect(epochs[i]).toBeGreaterThan(epochs[i - 1]!);
    });

    test('it says what to commit against', async () => {
      const first = await leases.acquire(TASK, 'a', TTL_MS);
      const commit = { commitId: 'c1', progress: {}, facts: {}, deliveredCommitSeq: 0 };
      await fixture.commits.commit(TASK, first!.version, commit);
      await leases.release(first!, 'released');
      const second = await leases.acquire(TASK, 'b', TTL_MS);
      expect(second!.version.commitSeq).toBe(1);
      expect(await fixture.commits.commit(TASK, second!.version, { ...commit, commitId: 'c2' })).toEqual({
        kind: 'committed',
      });
    });

    test('it says who had the task, how that ended, and how long ago', async () => {
      const first = await leases.acquire(TASK, 'a', TTL_MS);
      expect(first!.former).toBeUndefined();
      await leases.release(first!, 'rebalanced');
      await passTime(TTL_MS * 0.6);
      const second = await leases.acquire(TASK, 'b', TTL_MS);
      expect(second!.former).toMatchObject({ owner: 'a', end: 'rebalanced' });
      expect(second!.former!.idleMs).toBeGreaterThanOrEqual(TTL_MS * 0.5);
    });

    test('of an owner that has expired it says since when it was not heard of', async () => {
      const first = await leases.acquire(TASK, 'a', TTL_MS);
      await passTime(TTL_MS * 0.5);
      await leases.renew(first!, TTL_MS);
      await passTime(TTL_MS * 1.1);
      const second = await leases.acquire(TASK, 'b', TTL_MS);
      expect(second!.former).toMatchObject({ owner: 'a', end: 'expired' });
      expect(second!.former!.idleMs).toBeGreaterThanOrEqual(TTL_MS);
      await leases.release(second!, 'failed');
      // Taken again by the same one: nothing was handed over.
      expect((await leases.acquire(TASK, 'b', TTL_MS))!.former).toBeUndefined();
    });

    test('a process is there as soon as it says so, without any lease, and as it says', async () => {
      expect((await leases.roster()).members).toEqual([]);
      await leases.attend(MEMBER, TTL_MS);
      expect((await leases.roster()).members).toEqual([MEMBER]);
      const changed = { ...MEMBER, tasks: ['web/local/0'], resting: ['web/local/0'], isLeaving: true };
      await leases.attend(changed, TTL_MS);
      await leases.attend({ ...MEMBER, owner: 'b' }, TTL_MS);
      const { members } = await leases.roster();
      expect([...members].sort((x, y) => x.owner.localeCompare(y.owner))).toEqual([
        changed,
        { ...MEMBER, owner: 'b' },
      ]);
    });

    test('a process that is silent is no longer counted on; one that goes on saying so is', async () => {
      await leases.attend(MEMBER, TTL_MS);
      await leases.attend({ ...MEMBER, owner: 'silent' }, TTL_MS);
      await passTime(TTL_MS * 0.6);
      await leases.attend(MEMBER, TTL_MS);
      await passTime(TTL_MS * 0.6);
      expect((await leases.roster()).members).toEqual([MEMBER]);
    });

    test('a process that leaves is gone at once', async () => {
      await leases.attend(MEMBER, TTL_MS);
      await leases.leave('somebody else');
      expect((await leases.roster()).members).toEqual([MEMBER]);
      await leases.leave(MEMBER.owner);
      expect((await leases.roster()).members).toEqual([]);
    });

    test('the roster names the holders of leases, as long as they hold', async () => {
      const other = { ...TASK, partition: 1 };
      const lease = await leases.acquire(TASK, 'a', TTL_MS);
      await leases.acquire(other, 'b', TTL_MS);
      const held = async (): Promise<unknown> => Object.fromEntries((await leases.roster()).holders);
      expect(await held()).toEqual({ [taskName(TASK)]: 'a', [taskName(other)]: 'b' });
      await leases.release(lease!, 'released');
      expect(await held()).toEqual({ [taskName(other)]: 'b' });
      await passTime(TTL_MS * 1.2);
      expect(await held()).toEqual({});
    });
  });
}
