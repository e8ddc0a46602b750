import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import {
  CursorInvalidError,
  type DeliveryFence,
  DeliveryFencedError,
  type DocumentWrite,
  type ResultRow,
  type ResultStore,
  type RowQuery,
} from '#libs/storage';
import { aDocument, aRow } from './builders.js';
import { ManualClock } from './manual-clock.js';
import type { StoreContract, StoreFixture, Stores } from './store-fixture.js';

const FENCE: DeliveryFence = {
  task: { pipeline: 'web', stage: 'global', partition: 0 },
  version: { incarnation: 0, epoch: 1, commitSeq: 1 },
};
const MINUTE_MS = 60_000;
const EVERYTHING: RowQuery = { pipeline: 'web', series: 'requests', limit: 10_000 };

/** Everything that the docs of `ResultStore` promise, tried on an adapter. */
export function describeResultStoreContract(name: string, contract: StoreContract): void {
  describe(`${name} keeps the contract of a result store:`, () => {
    let fixture: StoreFixture;
    let results: ResultStore;
    let commitSeq: number;

    beforeEach(async () => {
      fixture = await contract.open(new ManualClock());
      results = fixture.results;
      commitSeq = 0;
    });
    afterEach(async () => {
      await fixture.dispose();
    });

    /** A delivery of a commit of its own. */
    async function deliver(...rows: ResultRow[]): Promise<void> {
      commitSeq++;
      await results.deliver({ ...FENCE, version: { ...FENCE.version, commitSeq } }, { rows, documents: [] });
    }

    /** `minute stream key revision`, `?` where provisional, over all pages. */
    async function found(query: Partial<RowQuery> = {}): Promise<string[]> {
      const rows: string[] = [];
      let cursor: string | undefined;
      do {
        const page = await results.query({
          ...EVERYTHING,
          ...query,
          ...(cursor === undefined ? {} : { cursor }),
        });
        rows.push(
          ...page.rows.map(
            ({ windowStartMs, stream, key, revision, provisional }) =>
              `${windowStartMs / MINUTE_MS}${stream}${String(key['k'] ?? '')}${revision}${provisional ? '?' : ''}`,
          ),
        );
        cursor = page.nextCursor;
      } while (cursor !== undefined);
      return rows;
    }

    test('a row is found as it was delivered, also after a restart', async () => {
      const row = aRow({
        key: { country: 'Österreich', plan: null, size: 2, isBot: false, 'odd.$key': 'a"b\u0000' },
        windowStartMs: -90_000,
        windowEndMs: -30_000,
        measures: { requests: 3, duration: { p50: 0.125, p95: null }, paths: [{ value: '/ü', count: 2 }] },
        revision: 2,
        retracted: true,
        task: 5,
      });
      await deliver(row);
      expect((await results.query(EVERYTHING)).rows).toEqual([{ ...row, provisional: false }]);
      const reopened = await fixture.reopen();
      expect((await reopened.results.query(EVERYTHING)).rows).toEqual([{ ...row, provisional: false }]);
    });

    describe('revisions', () => {
      test('a higher one replaces, a lower one never does, whatever the order', async () => {
        await deliver(aRow({ revision: 1, measures: { n: 1 } }));
        await deliver(aRow({ revision: 0, measures: { n: 0 } }));
        expect((await results.query(EVERYTHING)).rows).toMatchObject([{ revision: 1, measures: { n: 1 } }]);
        await deliver(aRow({ revision: 3, measures: { n: 3 } }), aRow({ revision: 2, measures: { n: 2 } }));
        expect((await results.query(EVERYTHING)).rows).toMatchObject([{ revision: 3, measures: { n: 3 } }]);
      });

      test('a row has its identity by series, stream, key, start and end, the order of the key left aside', async () => {
        await deliver(aRow({ key: { a: '1', b: '2' } }), aRow({ key: { b: '2', a: '1' }, revision: 1 }));
        await deliver(aRow({ key: { a: '2', b: '1' } }), aRow({ key: { a: 1, b: '2' } }));
        await deliver(aRow({ windowEndMs: 30_000 }), aRow({ stream: 'other' }), aRow({ series: 'visits' }));
        expect((await results.query(EVERYTHING)).rows).toHaveLength(5);
        expect((await results.query({ ...EVERYTHING, series: 'visits' })).rows).toHaveLength(1);
      });
    });

    test('delivering again leaves what delivering once leaves', async () => {
      const items = {
        rows: [aRow(), aRow({ windowStartMs: MINUTE_MS }), aRow({ revision: 1, measures: { n: 2 } })],
        documents: [aDocument({ id: 'a', body: { n: 1 } }), aDocument({ id: 'b' })],
      };
      await results.deliver(FENCE, items);
      const rows = await results.query(EVERYTHING);
      const documents = await fixture.documents.find({ collection: 'alerts', limit: 100 });
      await results.deliver(FENCE, items);
      const reopened = await fixture.reopen();
      await reopened.results.deliver(FENCE, items);
      expect(await reopened.results.query(EVERYTHING)).toEqual(rows);
      expect(await reopened.documents.find({ collection: 'alerts', limit: 100 })).toEqual(documents);
      expect(rows.rows).toHaveLength(2);
      expect(documents.documents.map(({ id }) => id)).toEqual(['a', 'b']);
    });

    if (contract.isShared === true) {
      const NEXT = { ...FENCE, version: { incarnation: 0, epoch: 2, commitSeq: 2 } };
      const AFTER = { ...FENCE, version: { incarnation: 0, epoch: 2, commitSeq: 3 } };
      const ofOwner = (n: number): { rows: ResultRow[]; documents: DocumentWrite[] } => ({
        rows: [aRow({ windowStartMs: n * MINUTE_MS, measures: { n } })],
        documents: [aDocument({ id: 'shared', body: { n } })],
      });

      describe('a former owner that wakes up', () => {
        let current: Stores;

        beforeEach(async () => {
          await results.deliver(FENCE, ofOwner(1));
          current = await fixture.openAnother!();
          // It delivers again what its predecessor may not have delivered, then goes on.
          await current.results.deliver({ ...FENCE, version: { ...FENCE.version, epoch: 2 } }, ofOwner(1));
          await current.results.deliver(NEXT, ofOwner(2));
        });

        test.each([
          ['the commit that the later owner delivered again', FENCE.version],
          ['a commit that only it has made', { ...FENCE.version, commitSeq: 2 }],
          ['a commit further on', { ...FENCE.version, commitSeq: 7 }],
        ])('is refused its rows and documents: %s', async (_what, version) => {
          const zombie = { ...FENCE, version };
          const { rows, documents } = ofOwner(9);
          await expect(results.deliver(zombie, { rows: [], documents })).rejects.toBeInstanceOf(
            DeliveryFencedError,
          );
          await expect(results.deliver(zombie, { rows, documents: [] })).rejects.toBeInstanceOf(
            DeliveryFencedError,
          );
          await expect(results.deliver(zombie, { rows, documents })).rejects.toBeInstanceOf(
            DeliveryFencedError,
          );
          expect((await fixture.documents.get('alerts', 'shared'))!.body).toEqual({ n: 2 });
          const page = await current.results.query(EVERYTHING);
          expect(page.rows.map(({ measures }) => measures['n'])).toEqual([1, 2]);
          await current.results.deliver(AFTER, ofOwner(3));
          expect((await fixture.documents.get('alerts', 'shared'))!.body).toEqual({ n: 3 });
        });
      });
    }

    test('nothing to deliver is delivered', async () => {
      await expect(results.deliver(FENCE, { rows: [], documents: [] })).resolves.toBeUndefined();
    });

    describe('a query', () => {
      const STREAMS = ['b', 'a', 'c'];
      const ALL = [-1, 0, 1].flatMap((minute) =>
        ['a', 'b', 'c'].flatMap((s) => [`${minute}${s}x0`, `${minute}${s}y0`]),
      );

      async function deliverAll(): Promise<void> {
        for (const stream of STREAMS) {
          for (const minute of [1, -1, 0]) {
            await deliver(
              ...['y', 'x'].map((k) => aRow({ stream, key: { k }, windowStartMs: minute * MINUTE_MS })),
            );
          }
        }
      }

      test('gives rows by window start, then stream, then key, both ways', async () => {
        await deliverAll();
        expect(await found()).toEqual(ALL);
        expect(await found({ order: 'descending' })).toEqual(ALL.toReversed());
      });

      test('takes the half-open interval of window starts', async () => {
        await deliverAll();
        expect(await found({ fromMs: 0, toMs: MINUTE_MS })).toEqual(ALL.filter((row) => row.startsWith('0')));
        expect(await found({ fromMs: -MINUTE_MS, toMs: 0, order: 'descending' })).toEqual(
          ALL.filter((row) => row.startsWith('-1')).toReversed(),
        );
        expect(await found({ fromMs: 1 })).toEqual(ALL.filter((row) => row.startsWith('1')));
        expect(await found({ fromMs: 0, toMs: 0 })).toEqual([]);
      });

      test('takes one stream, and rows with these values in their key', async () => {
        await deliverAll();
        await deliver(aRow({ stream: 'd', key: { k: 7, other: 'z' } }), aRow({ stream: 'd', key: {} }));
        expect(await found({ stream: 'b' })).toEqual(ALL.filter((row) => row.includes('b')));
        expect(await found({ stream: 'nobody' })).toEqual([]);
        expect(await found({ key: { k: 'x' } })).toEqual(ALL.filter((row) => row.includes('x')));
        expect(await found({ key: { k: '7' } })).toEqual(['0d70']);
        expect(await found({ key: { k: '7', other: 'x' } })).toEqual([]);
        expect(await found({ series: 'nothing' })).toEqual([]);
        expect(await found({ pipeline: 'other' })).toEqual([]);
      });

      test.each(['ascending', 'descending'] as const)(
        'gives each row once over its pages (%s)',
        async (order) => {
          await deliverAll();
          await results.putOpenWindows([aRow({ stream: 'b', windowStartMs: 0, key: { k: 'xx' } })]);
          const whole = await found({ order });
          expect(whole).toHaveLength(ALL.length + 1);
          for (const limit of [1, 2, 4, 5, 7, whole.length])
            expect(await found({ order, limit })).toEqual(whole);
          expect(await found({ order, limit: 1, stream: 'b' })).toEqual(
            whole.filter((row) => row.includes('b')),
          );
          expect(await found({ order, limit: 2, key: { k: 'y' } })).toEqual(
            whole.filter((row) => row.includes('y')),
          );
        },
      );

      test('has no cursor on its last page', async () => {
        await deliverAll();
        const page = await results.query({ ...EVERYTHING, limit: ALL.length });
        expect(page.rows).toHaveLength(ALL.length);
        expect(page.nextCursor).toBeUndefined();
      });

      test('goes on where it was, whatever comes meanwhile', async () => {
        await deliver(...[0, 1, 2, 3].map((minute) => aRow({ windowStartMs: minute * MINUTE_MS })));
        const first = await results.query({ ...EVERYTHING, limit: 2 });
        await deliver(aRow({ windowStartMs: -MINUTE_MS }), aRow({ windowStartMs: MINUTE_MS, revision: 1 }));
        await deliver(aRow({ windowStartMs: 0, stream: 'earlier' }));
        const rest = await results.query({ ...EVERYTHING, limit: 100, cursor: first.nextCursor! });
        expect(rest.rows.map(({ windowStartMs }) => windowStartMs / MINUTE_MS)).toEqual([2, 3]);
      });

      test('refuses a cursor that no page of it gave', async () => {
        await deliver(aRow(), aRow({ windowStartMs: MINUTE_MS }));
        const cursor = (await results.query({ ...EVERYTHING, limit: 1 })).nextCursor!;
        const others: Partial<RowQuery>[] = [
          { cursor: 'nonsense' },
          { cursor: '' },
          { cursor: `${cursor}x` },
          { cursor, order: 'descending' },
          { cursor, stream: 'demo' },
          { cursor, key: { k: 'x' } },
          { cursor, fromMs: 0 },
          { cursor, series: 'visits' },
        ];
        for (const other of others) {
          await expect(results.query({ ...EVERYTHING, limit: 1, ...other })).rejects.toBeInstanceOf(
            CursorInvalidError,
          );
        }
      });

      test('keeps long keys apart', async () => {
        const keys = ['x'.repeat(5_000), `${'x'.repeat(4_999)}y`, 'ü'.repeat(2_000)];
        await deliver(...keys.map((k) => aRow({ key: { k } })));
        expect(await found({ limit: 1 })).toHaveLength(3);
        for (const k of keys)
          expect((await results.query({ ...EVERYTHING, key: { k } })).rows).toHaveLength(1);
      });
    });

    describe('open windows', () => {
      test('show as provisional where nothing of the same or a higher revision is committed', async () => {
        await deliver(aRow({ windowStartMs: 0, revision: 1 }), aRow({ windowStartMs: MINUTE_MS }));
        await results.putOpenWindows([
          aRow({ windowStartMs: 0, revision: 0 }),
          aRow({ windowStartMs: MINUTE_MS, revision: 1 }),
          aRow({ windowStartMs: 2 * MINUTE_MS }),
        ]);
        expect(await found()).toEqual(['0demo1', '1demo1?', '2demo0?']);
        await deliver(
          aRow({ windowStartMs: MINUTE_MS, revision: 1 }),
          aRow({ windowStartMs: 2 * MINUTE_MS }),
        );
        expect(await found()).toEqual(['0demo1', '1demo1', '2demo0']);
      });

      test('are replaced by their next value, and taken out', async () => {
        await results.putOpenWindows([aRow({ measures: { n: 1 } }), aRow({ stream: 'other' })]);
        await results.putOpenWindows([aRow({ measures: { n: 2 } })]);
        expect((await results.query(EVERYTHING)).rows).toMatchObject([
          { measures: { n: 2 } },
          { stream: 'other' },
        ]);
        await results.removeOpenWindows([
          aRow({ measures: { n: 9 } }),
          aRow({ windowStartMs: 5 * MINUTE_MS }),
        ]);
        expect(await found()).toEqual(['0other0?']);
      });

      test('stand in the order of the committed ones', async () => {
        await deliver(aRow({ stream: 'b' }), aRow({ stream: 'b', windowStartMs: 2 * MINUTE_MS }));
        await results.putOpenWindows([
          aRow({ stream: 'c' }),
          aRow({ stream: 'a' }),
          aRow({ stream: 'b', windowStartMs: MINUTE_MS }),
        ]);
        expect(await found()).toEqual(['0a0?', '0b0', '0c0?', '1b0?', '2b0']);
        expect(await found({ order: 'descending', limit: 2 })).toEqual([
          '2b0',
          '1b0?',
          '0c0?',
          '0b0',
          '0a0?',
        ]);
        expect(await found({ stream: 'b', fromMs: MINUTE_MS })).toEqual(['1b0?', '2b0']);
      });
    });

    test('the series are those that have rows, with their streams', async () => {
      expect(await results.series('web')).toEqual([]);
      await deliver(aRow({ stream: 'b' }), aRow({ stream: 'a' }), aRow({ series: 'errors', stream: 'a' }));
      await deliver(aRow({ pipeline: 'shop', series: 'orders' }));
      const wanted = [
        { series: 'errors', streams: ['a'] },
        { series: 'requests', streams: ['a', 'b'] },
      ];
      expect(sorted(await results.series('web'))).toEqual(wanted);
      expect(sorted(await (await fixture.reopen()).results.series('web'))).toEqual(wanted);
    });

    test('the store is healthy while it is open', async () => {
      await expect(results.checkHealth()).resolves.toBeUndefined();
    });
  });
}

function sorted(series: Awaited<ReturnType<ResultStore['series']>>): unknown {
  return series
    .map((one) => ({ series: one.series, streams: one.streams.toSorted() }))
    .toSorted((a, b) => (a.series < b.series ? -1 : 1));
}
