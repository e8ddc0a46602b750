import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import type { Commit, CommitVersion, ResultItems, TaskId } from '#libs/storage';
import { aDocument, aRow } from './builders.js';
import { ManualClock } from './manual-clock.js';
import type { StoreContract, StoreFixture, Stores } from './store-fixture.js';

const TASK: TaskId = { pipeline: 'web', stage: 'local', partition: 3 };
const TTL_MS = 10_000;

/** Everything that the docs of `CommitStore` promise, tried on an adapter. */
export function describeCommitStoreContract(name: string, contract: StoreContract): void {
  describe(`${name} keeps the contract of a commit store:`, () => {
    let fixture: StoreFixture;

    beforeEach(async () => {
      fixture = await contract.open(new ManualClock());
    });
    afterEach(async () => {
      await fixture.dispose();
    });

    async function own(task = TASK, owner = 'a'): Promise<CommitVersion> {
      const lease = await fixture.leases.acquire(task, owner, TTL_MS);
      if (lease === undefined) throw new Error('the lease is taken');
      return lease.version;
    }

    /** Commits one after the other; gives the version to go on with. */
    async function commitAll(version: CommitVersion, ...commits: Partial<Commit>[]): Promise<CommitVersion> {
      let next = version;
      for (const parts of commits) {
        expect(await fixture.commits.commit(TASK, next, aCommit(parts))).toEqual({ kind: 'committed' });
        next = { ...next, commitSeq: next.commitSeq + 1 };
      }
      return next;
    }

    test('a task that never committed has nothing, also once it has an owner', async () => {
      expect(await fixture.commits.load(TASK)).toBeUndefined();
      expect(await own()).toMatchObject({ commitSeq: 0 });
      expect(await fixture.commits.load(TASK)).toBeUndefined();
    });

    test('a commit is loaded as it was given, also after a restart', async () => {
      const version = await own();
      const progress = {
        positions: { '3': [0, 12, 0, 0] },
        nothing: null,
        'odd.key$': 'ü',
        deep: { list: [1.5, true] },
      };
      await commitAll(version, {
        commitId: 'c-1',
        progress,
        facts: { highest: -5 },
        state: { kind: 'base', bytes: Buffer.from([0, 255, 1]) },
        outbox: Buffer.from('rows'),
      });
      const stores = [async () => fixture.commits, async () => (await fixture.reopen()).commits];
      for (const open of stores) {
        const stored = await (await open()).load(TASK);
        expect(stored).toMatchObject({
          version: { ...version, commitSeq: 1 },
          commitId: 'c-1',
          progress,
          facts: { highest: -5 },
          deliveredCommitSeq: 0,
        });
        expect(stored!.state.map(({ kind, bytes }) => [kind, [...bytes]])).toEqual([['base', [0, 255, 1]]]);
        expect(
          stored!.outboxes.map(({ commitSeq, bytes }) => [commitSeq, String(Buffer.from(bytes))]),
        ).toEqual([[1, 'rows']]);
      }
    });

    test('it says whether its commits deliver rows and documents', () => {
      expect(fixture.commits.deliversResults).toBe(contract.deliversResults ?? false);
    });

    if (contract.deliversResults === true) {
      test('rows and documents of a commit are there exactly if it is committed', async () => {
        const version = await own();
        await commitAll(version, { results: resultsOf(0) });
        const zombie = { ...version, epoch: version.epoch - 1, commitSeq: 1 };
        const late = await fixture.commits.commit(TASK, zombie, aCommit({ results: resultsOf(1) }));
        expect(late.kind).toBe('fenced');
        for (const open of [async () => fixture, async () => await fixture.reopen()])
          await expectDelivered(await open(), [0]);
      });
    }

    describe('a commit is refused, and changes nothing,', () => {
      test.each<[string, (now: CommitVersion) => CommitVersion]>([
        ['of a former owner', (now) => ({ ...now, epoch: now.epoch - 1 })],
        ['of an owner yet to come', (now) => ({ ...now, epoch: now.epoch + 1 })],
        ['that is behind', (now) => ({ ...now, commitSeq: now.commitSeq - 1 })],
        ['that is ahead', (now) => ({ ...now, commitSeq: now.commitSeq + 1 })],
        ['of a former incarnation', (now) => ({ ...now, incarnation: now.incarnation - 1 })],
        ['of another incarnation', (now) => ({ ...now, incarnation: now.incarnation + 1 })],
      ])('%s', async (_what, expectedOf) => {
        const now = await commitAll(
          await own(),
          { commitId: 'c-1' },
          { commitId: 'c-2', outbox: Buffer.from('2') },
        );
        const before = await fixture.commits.load(TASK);
        const outcome = await fixture.commits.commit(
          TASK,
          expectedOf(now),
          aCommit({ commitId: 'x', state: { kind: 'base', bytes: Buffer.from('x') }, deliveredCommitSeq: 2 }),
        );
        expect(outcome).toEqual({ kind: 'fenced', stored: { ...now, commitId: 'c-2' } });
        expect(await fixture.commits.load(TASK)).toEqual(before);
      });
    });

    test('a writer that lost the reply finds its own commit', async () => {
      const version = await own();
      await commitAll(version, { commitId: 'mine' });
      const outcome = await fixture.commits.commit(TASK, version, aCommit({ commitId: 'mine' }));
      expect(outcome).toMatchObject({ kind: 'fenced', stored: { commitId: 'mine', commitSeq: 1 } });
      expect(await fixture.commits.load(TASK)).toMatchObject({ version: { commitSeq: 1 } });
    });

    test('a new owner fences the former one before it has committed anything', async () => {
      const former = await commitAll(await own(TASK, 'a'), { commitId: 'c-1' });
      const lease = await takeOver(fixture, 'b');
      expect(lease).toMatchObject({ commitSeq: 1, epoch: former.epoch + 1 });
      expect(await fixture.commits.commit(TASK, former, aCommit({}))).toMatchObject({
        kind: 'fenced',
        stored: { epoch: former.epoch + 1, commitSeq: 1, commitId: 'c-1' },
      });
      expect(await fixture.commits.commit(TASK, lease, aCommit({}))).toEqual({ kind: 'committed' });
    });

    test('of two commits of one version one succeeds', async () => {
      const version = await own();
      const ids = ['a', 'b', 'c', 'd'];
      const outcomes = await Promise.all(
        ids.map((commitId) =>
          fixture.commits.commit(TASK, version, aCommit({ commitId, outbox: Buffer.from(commitId) })),
        ),
      );
      const winners = ids.filter((_, i) => outcomes[i]!.kind === 'committed');
      expect(winners).toHaveLength(1);
      const stored = await fixture.commits.load(TASK);
      expect(stored!.commitId).toBe(winners[0]);
      expect(stored!.outboxes.map(({ bytes }) => String(Buffer.from(bytes)))).toEqual(winners);
    });

    test('commits of many tasks at once do not touch each other', async () => {
      const tasks = Array.from({ length: 12 }, (_, partition) => ({ ...TASK, partition }));
      const versions = await Promise.all(tasks.map((task) => own(task)));
      await Promise.all(
        tasks.map((task, i) =>
          fixture.commits.commit(task, versions[i]!, aCommit({ commitId: `c${i}`, progress: { i } })),
        ),
      );
      for (const [i, task] of tasks.entries()) {
        expect(await fixture.commits.load(task)).toMatchObject({ commitId: `c${i}`, progress: { i } });
      }
    });

    test('deltas stand on the base, and a base replaces what was before it', async () => {
      const version = await commitAll(
        await own(),
        { state: { kind: 'base', bytes: Buffer.from('b1') } },
        { state: { kind: 'delta', bytes: Buffer.from('d2') } },
        {},
        { state: { kind: 'delta', bytes: Buffer.alloc(0) } },
      );
      expect(await stateOf(fixture)).toEqual(['base:b1', 'delta:d2', 'delta:']);
      await commitAll(
        version,
        { state: { kind: 'base', bytes: Buffer.from('b5') } },
        { state: { kind: 'delta', bytes: Buffer.from('d6') } },
      );
      expect(await stateOf(fixture)).toEqual(['base:b5', 'delta:d6']);
    });

    test('outboxes are kept until they are delivered', async () => {
      const version = await commitAll(
        await own(),
        { outbox: Buffer.from('1') },
        { outbox: Buffer.from('2') },
        {},
        { outbox: Buffer.from('4'), deliveredCommitSeq: 1 },
      );
      expect(await fixture.commits.load(TASK)).toMatchObject({
        deliveredCommitSeq: 1,
        outboxes: [{ commitSeq: 2 }, { commitSeq: 4 }],
      });
      await commitAll(version, { deliveredCommitSeq: 4 });
      expect(await fixture.commits.load(TASK)).toMatchObject({ deliveredCommitSeq: 4, outboxes: [] });
    });

    test('facts are those of the last commit of each task of the stage', async () => {
      const other = { ...TASK, partition: 7 };
      const elsewhere = { ...TASK, stage: 'local2', partition: 1 };
      const never = { ...TASK, partition: 9 };
      expect(await fixture.commits.facts('web', 'local')).toEqual(new Map());
      await commitAll(await own(), { facts: { n: 1 } }, { facts: { n: 2 } });
      await fixture.commits.commit(other, await own(other), aCommit({ facts: { n: 7 } }));
      await fixture.commits.commit(elsewhere, await own(elsewhere), aCommit({ facts: { n: 99 } }));
      await own(never);
      const wanted = new Map([
        [3, { n: 2 }],
        [7, { n: 7 }],
      ]);
      expect(await fixture.commits.facts('web', 'local')).toEqual(wanted);
      expect(await (await fixture.reopen()).commits.facts('web', 'local')).toEqual(wanted);
    });

    test('large state is stored whole', async () => {
      const bytes = Buffer.alloc(12 * 1024 * 1024);
      for (let i = 0; i < bytes.length; i += 4) bytes.writeUInt32LE((i * 2_654_435_761) >>> 0, i);
      await commitAll(await own(), { state: { kind: 'base', bytes }, outbox: bytes.subarray(0, 5_000_000) });
      const stored = await (await fixture.reopen()).commits.load(TASK);
      expect(Buffer.from(stored!.state[0]!.bytes).equals(bytes)).toBe(true);
      expect(Buffer.from(stored!.outboxes[0]!.bytes).equals(bytes.subarray(0, 5_000_000))).toBe(true);
    });

    test('names of tasks may be long and odd, and stay apart', async () => {
      const stages = ['x'.repeat(400), `${'x'.repeat(399)}y`, 'a/b', 'a', 'ü\u0000$.', ''];
      const tasks = stages.map((stage) => ({ pipeline: 'web', stage, partition: 0 }));
      for (const [i, task] of tasks.entries()) {
        await fixture.commits.commit(task, await own(task), aCommit({ commitId: `c${i}`, facts: { i } }));
      }
      for (const [i, task] of tasks.entries()) {
        expect(await fixture.commits.load(task)).toMatchObject({ commitId: `c${i}` });
        expect(await fixture.commits.facts('web', task.stage)).toEqual(new Map([[0, { i }]]));
      }
    });
  });
}

function aCommit(parts: Partial<Commit>): Commit {
  return { commitId: 'c', progress: {}, facts: {}, deliveredCommitSeq: 0, ...parts };
}

function resultsOf(minute: number): ResultItems {
  const rows = [aRow({ windowStartMs: minute * 60_000 })];
  return { rows, documents: [aDocument({ id: `d${minute}`, timeMs: minute })] };
}

async function expectDelivered({ results, documents }: Stores, minutes: readonly number[]): Promise<void> {
  const { rows } = await results.query({ pipeline: 'web', series: 'requests', limit: 10 });
  expect(rows.map(({ windowStartMs }) => windowStartMs / 60_000)).toEqual(minutes);
  expect(await results.series('web')).toEqual([{ series: 'requests', streams: ['demo'] }]);
  const found = await documents.find({ collection: 'alerts', limit: 10 });
  expect(found.documents.map(({ id }) => id)).toEqual(minutes.map((minute) => `d${minute}`));
}

async function stateOf(fixture: StoreFixture): Promise<string[]> {
  const stored = await fixture.commits.load(TASK);
  return stored!.state.map(({ kind, bytes }) => `${kind}:${String(Buffer.from(bytes))}`);
}

/** A restart ends or outlasts the former lease; either way somebody else can have it. */
async function takeOver(fixture: StoreFixture, owner: string): Promise<CommitVersion> {
  const { version } = (await fixture.commits.load(TASK))!;
  await fixture.leases.release({ task: TASK, owner: 'a', version }, 'released');
  const lease = await fixture.leases.acquire(TASK, owner, TTL_MS);
  return lease!.version;
}
