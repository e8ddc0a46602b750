import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { CursorInvalidError, type DocumentQuery, type DocumentStore } from '#libs/storage';
import { aDocument } from './builders.js';
import { ManualClock } from './manual-clock.js';
import type { StoreContract, StoreFixture } from './store-fixture.js';

/** Everything that the docs of `DocumentStore` promise, tried on an adapter. */
export function describeDocumentStoreContract(name: string, contract: StoreContract): void {
  describe(`${name} keeps the contract of a document store:`, () => {
    let fixture: StoreFixture;
    let documents: DocumentStore;

    beforeEach(async () => {
      fixture = await contract.open(new ManualClock());
      documents = fixture.documents;
    });
    afterEach(async () => {
      await fixture.dispose();
    });

    /** Ids of all pages. */
    async function idsOf(
      query: Omit<DocumentQuery, 'collection' | 'limit'> = {},
      limit = 100,
    ): Promise<string[]> {
      const ids: string[] = [];
      let cursor: string | undefined;
      do {
        const page = await documents.find({
          collection: 'alerts',
          limit,
          ...query,
          ...(cursor === undefined ? {} : { cursor }),
        });
        expect(page.documents.length).toBeLessThanOrEqual(limit);
        ids.push(...page.documents.map(({ id }) => id));
        cursor = page.nextCursor;
      } while (cursor !== undefined);
      return ids;
    }

    test('a document is got as it was put, also after a restart', async () => {
      const document = aDocument({
        id: 'fp/ü\u0000$.x',
        timeMs: -12,
        fields: { status: 'firing', count: 2, silenced: false },
        body: { deep: { list: [1, null, 'x'], 'odd.$key': 0.5 } },
      });
      await documents.put([document]);
      expect(await documents.get('alerts', document.id)).toEqual(document);
      expect(await (await fixture.reopen()).documents.get('alerts', document.id)).toEqual(document);
    });

    test('what is not there is undefined, and collections are apart', async () => {
      await documents.put([aDocument({ id: 'x' })]);
      expect(await documents.get('alerts', 'y')).toBeUndefined();
      expect(await documents.get('silences', 'x')).toBeUndefined();
      expect(await documents.find({ collection: 'silences', limit: 10 })).toEqual({ documents: [] });
    });

    test('put replaces, and the last of one id in a call stands', async () => {
      await documents.put([aDocument({ body: { n: 1 }, fields: { gone: 1 } })]);
      await documents.put([aDocument({ body: { n: 2 } }), aDocument({ body: { n: 3 } })]);
      expect(await documents.get('alerts', 'd1')).toEqual(aDocument({ body: { n: 3 } }));
      expect(await idsOf()).toEqual(['d1']);
    });

    test('a document whose time changes moves', async () => {
      await documents.put([aDocument({ id: 'a', timeMs: 10 }), aDocument({ id: 'b', timeMs: 20 })]);
      await documents.put([aDocument({ id: 'a', timeMs: 30 })]);
      expect(await idsOf()).toEqual(['b', 'a']);
      expect(await idsOf({ toMs: 15 })).toEqual([]);
      expect((await documents.get('alerts', 'a'))!.timeMs).toBe(30);
    });

    test('putIfAbsent stores only the first, and gives what is there', async () => {
      const first = aDocument({ body: { n: 1 } });
      expect(await documents.putIfAbsent(first)).toEqual(first);
      expect(await documents.putIfAbsent(aDocument({ body: { n: 2 }, timeMs: 99 }))).toEqual(first);
      expect(await documents.get('alerts', 'd1')).toEqual(first);
      expect(await idsOf({ fromMs: 50 })).toEqual([]);
    });

    test('of many putIfAbsent at once one stands, and all hear of it', async () => {
      const answers = await Promise.all(
        Array.from({ length: 10 }, (_, n) => documents.putIfAbsent(aDocument({ body: { n } }))),
      );
      const stored = await documents.get('alerts', 'd1');
      for (const answer of answers) expect(answer).toEqual(stored);
    });

    test('what is removed is gone, and removing it again does no harm', async () => {
      await documents.put([aDocument({ id: 'a' }), aDocument({ id: 'b' })]);
      await documents.remove('alerts', 'a');
      await documents.remove('alerts', 'a');
      expect(await documents.get('alerts', 'a')).toBeUndefined();
      expect(await idsOf()).toEqual(['b']);
      await documents.put([aDocument({ id: 'a', timeMs: 5 })]);
      expect(await idsOf()).toEqual(['b', 'a']);
    });

    test('find lists by time, then id, both ways, in a half-open interval', async () => {
      const placed: [string, number][] = [
        ['c', 5],
        ['a', 5],
        ['b', 5],
        ['early', -7],
        ['late', 9],
        ['zero', 0],
      ];
      await documents.put(placed.map(([id, timeMs]) => aDocument({ id, timeMs })));
      const all = ['early', 'zero', 'a', 'b', 'c', 'late'];
      expect(await idsOf()).toEqual(all);
      expect(await idsOf({ order: 'descending' })).toEqual(all.toReversed());
      expect(await idsOf({ fromMs: 0, toMs: 9 })).toEqual(['zero', 'a', 'b', 'c']);
      expect(await idsOf({ fromMs: 0, toMs: 9, order: 'descending' })).toEqual(['c', 'b', 'a', 'zero']);
      expect(await idsOf({ fromMs: 5, toMs: 5 })).toEqual([]);
    });

    test('find gives what has the fields', async () => {
      await documents.put([
        aDocument({ id: 'a', fields: { status: 'firing', n: 1, on: true } }),
        aDocument({ id: 'b', fields: { status: 'firing', n: 2, on: true } }),
        aDocument({ id: 'c', fields: { status: 'resolved', n: 1, on: false } }),
        aDocument({ id: 'd', fields: { n: '1' } }),
      ]);
      expect(await idsOf({ where: { status: 'firing' } })).toEqual(['a', 'b']);
      expect(await idsOf({ where: { n: 1 } })).toEqual(['a', 'c']);
      expect(await idsOf({ where: { n: 1, on: true } })).toEqual(['a']);
      expect(await idsOf({ where: { missing: 1 } })).toEqual([]);
    });

    test.each(['ascending', 'descending'] as const)('pages hold each document once (%s)', async (order) => {
      await documents.put(
        Array.from({ length: 25 }, (_, i) =>
          aDocument({ id: `d${i}`, timeMs: i % 4, fields: { odd: i % 2 === 1 } }),
        ),
      );
      const whole = await idsOf({ order });
      expect(new Set(whole).size).toBe(25);
      for (const limit of [1, 3, 5, 25]) expect(await idsOf({ order }, limit)).toEqual(whole);
      expect(await idsOf({ order, where: { odd: true } }, 5)).toHaveLength(12);
    });

    test('the last page has no cursor, and what comes and goes meanwhile moves nothing', async () => {
      await documents.put([10, 20, 30, 40].map((timeMs) => aDocument({ id: `d${timeMs}`, timeMs })));
      const query: DocumentQuery = { collection: 'alerts', limit: 2 };
      const first = await documents.find(query);
      expect(first.documents.map(({ id }) => id)).toEqual(['d10', 'd20']);
      await documents.put([aDocument({ id: 'd5', timeMs: 5 }), aDocument({ id: 'd25', timeMs: 25 })]);
      await documents.remove('alerts', 'd20');
      const second = await documents.find({ ...query, limit: 3, cursor: first.nextCursor! });
      expect(second.documents.map(({ id }) => id)).toEqual(['d25', 'd30', 'd40']);
      expect(second.nextCursor).toBeUndefined();
    });

    test('a cursor that no page of the query gave is refused', async () => {
      await documents.put([1, 2].map((timeMs) => aDocument({ id: `d${timeMs}`, timeMs })));
      const { nextCursor } = await documents.find({ collection: 'alerts', limit: 1 });
      const cursors: Partial<DocumentQuery>[] = [
        { cursor: 'nonsense' },
        { cursor: '' },
        { cursor: Buffer.from('[]').toString('base64url') },
        { cursor: nextCursor!, order: 'descending' },
        { cursor: nextCursor!, where: { a: 1 } },
        { cursor: nextCursor!, collection: 'silences' },
      ];
      for (const parts of cursors) {
        await expect(documents.find({ collection: 'alerts', limit: 1, ...parts })).rejects.toBeInstanceOf(
          CursorInvalidError,
        );
      }
    });

    test('long ids stay apart', async () => {
      const ids = ['x'.repeat(3_000), `${'x'.repeat(2_999)}y`];
      await documents.put(ids.map((id) => aDocument({ id })));
      for (const id of ids) expect((await documents.get('alerts', id))!.id).toBe(id);
      expect((await idsOf({}, 1)).toSorted()).toEqual(ids.toSorted());
    });
  });
}
