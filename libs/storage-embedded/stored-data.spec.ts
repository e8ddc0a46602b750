import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { DataDamagedError, keyText, type ResultRow, rowId, type RowQuery } from '#libs/storage';
import { aRow, forkTypeScript, killProcess, ManualClock } from '#libs/testing';
import { EmbeddedStore } from './embedded-store.js';
import { seal, unseal } from './sealed-bytes.js';

const TASK = { pipeline: 'web', stage: 'local', partition: 0 };
const FENCE = { task: TASK, version: { incarnation: 0, epoch: 1, commitSeq: 1 } };

let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'millrace-store-'));
});
afterEach(async () => {
  await rm(folder, { recursive: true, force: true });
});

function open(maxOpenWindows?: number): Promise<EmbeddedStore> {
  return EmbeddedStore.open({
    folder,
    clock: new ManualClock(),
    ...(maxOpenWindows === undefined ? {} : { maxOpenWindows }),
  });
}

describe('damage', () => {
  test('of one byte anywhere shows', () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ minLength: 0, maxLength: 200 }),
        fc.nat(),
        fc.integer({ min: 1, max: 255 }),
        (content, at, flip) => {
          const sealed = seal('k', content, 2);
          expect([...unseal('k', sealed, 'x').content]).toEqual([...content]);
          expect(() => unseal('l', sealed, 'x')).toThrow(DataDamagedError);
          sealed[at % sealed.byteLength]! ^= flip;
          expect(() => unseal('k', sealed, 'x')).toThrow(DataDamagedError);
        },
      ),
    );
    expect(() => unseal('k', Buffer.from('abc'), 'x')).toThrow(DataDamagedError);
  });

  test.each(['THE-STATE', 'THE-OUTBOX', 'THE-PROGRESS'])(
    'of %s in the file is found when the task is loaded',
    async (mark) => {
      const store = await open();
      await store.commits.commit(
        TASK,
        { incarnation: 0, epoch: 0, commitSeq: 0 },
        {
          commitId: 'c',
          progress: { mark: 'THE-PROGRESS' },
          facts: {},
          state: { kind: 'base', bytes: Buffer.from('THE-STATE') },
          outbox: Buffer.from('THE-OUTBOX'),
          deliveredCommitSeq: 0,
        },
      );
      await store.close();
      const file = join(folder, 'data.mdb');
      const bytes = await readFile(file);
      for (let at = bytes.indexOf(mark); at >= 0; at = bytes.indexOf(mark, at + 1)) bytes[at]! ^= 1;
      await writeFile(file, bytes);
      const loaded = open().then((again) => again.commits.load(TASK).finally(() => again.close()));
      await expect(loaded).rejects.toMatchObject({ code: 'DATA_DAMAGED' });
    },
  );
});

describe('the view of open windows', () => {
  test('lets go of what changed longest ago where there are too many', async () => {
    const store = await open(3);
    const minute = (n: number): ResultRow => aRow({ windowStartMs: n * 60_000 });
    await store.results.putOpenWindows([minute(0), minute(1), minute(2)]);
    await store.results.putOpenWindows([minute(0)]);
    await store.results.putOpenWindows([minute(3)]);
    const { rows } = await store.results.query({ pipeline: 'web', series: 'requests', limit: 10 });
    expect(rows.map(({ windowStartMs }) => windowStartMs / 60_000)).toEqual([0, 2, 3]);
    await store.close();
  });
});

test('texts in keys stay apart, in one order, printable and short', () => {
  fc.assert(
    fc.property(
      fc.string({ unit: 'binary', maxLength: 400 }),
      fc.string({ unit: 'binary', maxLength: 400 }),
      (a, b) => {
        expect(keyText(a) === keyText(b)).toBe(a === b);
        expect(keyText(a)).toMatch(/^[ -~]{0,300}$/);
      },
    ),
  );
  expect(keyText('\\u0041')).not.toBe(keyText('A'));
});

const placedRow = fc
  .record({
    windowStartMs: fc.integer({ min: -3, max: 3 }),
    stream: fc.constantFrom('a', 'b', 'a.b'),
    k: fc.constantFrom('', 'x', 'xx', 'y', 'é', '"'),
    revision: fc.nat(3),
  })
  .map(({ k, ...place }) => aRow({ ...place, key: { k } }));

test('rows come as a sorted list of the newest revisions says, page by page', async () => {
  let series = 0;
  const store = await open();
  const inputs = [
    fc.array(placedRow),
    fc.array(placedRow),
    fc.integer({ min: 1, max: 7 }),
    fc.boolean(),
  ] as const;
  await fc.assert(
    fc.asyncProperty(...inputs, async (delivered, opened, limit, isDown) => {
      const named = { series: `s${series++}` };
      for (const row of delivered)
        await store.results.deliver(FENCE, { rows: [{ ...row, ...named }], documents: [] });
      await store.results.putOpenWindows(opened.map((row) => ({ ...row, ...named })));
      const order = isDown ? 'descending' : 'ascending';
      const found = await readPages(store, { pipeline: 'web', ...named, order, limit });
      const wanted = newestInOrder(delivered, opened);
      expect(found).toEqual(isDown ? wanted.toReversed() : wanted);
    }),
  );
  await store.close();
}, 600_000);

type ShownRow = [windowStartMs: number, stream: string, key: string, shown: string];

async function readPages(store: EmbeddedStore, query: RowQuery): Promise<ShownRow[]> {
  const found: ShownRow[] = [];
  let cursor: string | undefined;
  do {
    const page = await store.results.query({ ...query, ...(cursor === undefined ? {} : { cursor }) });
    found.push(...page.rows.map((row) => shownRow(row, row.provisional)));
    cursor = page.nextCursor;
  } while (cursor !== undefined);
  return found;
}

function newestInOrder(delivered: readonly ResultRow[], opened: readonly ResultRow[]): ShownRow[] {
  const committed = new Map<string, ResultRow>();
  for (const row of delivered) {
    if (row.revision >= (committed.get(rowId(row))?.revision ?? 0)) committed.set(rowId(row), row);
  }
  const open = new Map(opened.map((row) => [rowId(row), row]));
  const shown = new Map([...committed].map(([id, row]) => [id, shownRow(row, false)]));
  for (const [id, row] of open) {
    if (row.revision > (committed.get(id)?.revision ?? -1)) shown.set(id, shownRow(row, true));
  }
  return [...shown.values()].sort(compareInOrder);
}

function shownRow(row: ResultRow, provisional: boolean): ShownRow {
  return [
    row.windowStartMs,
    row.stream,
    JSON.stringify([['k', row.key['k']]]),
    `${row.revision}${provisional ? '?' : ''}`,
  ];
}

/** By start, stream and the key's text as {@link keyText} writes it. */
function compareInOrder(a: ShownRow, b: ShownRow): number {
  const byStart = a[0] - b[0];
  if (byStart !== 0) return byStart;
  const [left, right] = [`${a[1]}\t${keyText(a[2])}`, `${b[1]}\t${keyText(b[2])}`];
  if (left === right) return 0;
  return left < right ? -1 : 1;
}

test('what was committed before a kill -9 is there, whole, and nothing of what was not', async () => {
  for (let round = 0; round < 3; round++) {
    const child = forkTypeScript(join(import.meta.dirname, 'commit-until-killed.ts'), [folder]);
    const acknowledged: number[] = [];
    await new Promise<void>((resolve) => {
      child.on('message', (commitSeq: number) => {
        acknowledged.push(commitSeq);
        if (commitSeq % 40 === 39) resolve();
      });
    });
    await killProcess(child);
    const store = await open();
    const stored = (await store.commits.load(TASK))!;
    expect(stored.version.commitSeq).toBeGreaterThanOrEqual(acknowledged.at(-1)!);
    // The committer says in each part which commit it belongs to.
    const { commitSeq } = stored.version;
    expect(stored.progress).toEqual({ commitSeq });
    expect(stored.outboxes.map((outbox) => outbox.commitSeq)).toEqual([commitSeq]);
    const lastBase = commitSeq - (commitSeq % 10);
    const wanted = Array.from({ length: commitSeq - lastBase + 1 }, (_, i) => lastBase + i).filter(
      (seq) => seq > 0,
    );
    expect(stored.state.map(({ bytes }) => Buffer.from(bytes).readUInt32LE(0))).toEqual(wanted);
    const page = await store.results.query({ pipeline: 'web', series: 'requests', limit: 10_000 });
    const delivered = page.rows.map(({ measures }) => measures['commitSeq']);
    expect(delivered).toEqual(expect.arrayContaining(acknowledged));
    expect(new Set(delivered).size).toBe(delivered.length);
    await store.close();
  }
}, 600_000);
