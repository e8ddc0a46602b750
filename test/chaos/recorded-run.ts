import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { spawnSync } from 'node:child_process';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** What the recount says of a run. */
export interface Recounted {
  readonly lost: number;
  readonly doubled: number;
  readonly differing: number;
  readonly examples: readonly string[];
  readonly [figure: string]: unknown;
}

type Line = Readonly<Record<string, unknown>>;

const NOON = Date.UTC(2026, 0, 1, 12);

function iso(timeMs: number): string {
  return new Date(timeMs).toISOString();
}

function line(id: string, atMs: number, data: Line): string {
  return JSON.stringify({ id, time: NOON + atMs, key: data['userId'], data });
}

const REQUEST = { method: 'GET', path: '/a', status: 200, bytes: 10, durationMs: 5, host: 'h', userId: 'u' };
const REFUSED = line('e-3', 0, { ...REQUEST, status: 700 });

const ROWS: readonly (readonly [
  series: string,
  startMs: number,
  endMs: number,
  key: Line,
  measures: Line,
])[] = [
  [
    ...(['by_host', 0, 2_000, { host: 'h' }] as const),
    {
      ...{ requests: 2, errors: 0, slow: 1, bytes: 30, slowest: 2_000 },
      visitors: { estimate: 1, standardError: 0 },
    },
  ],
  ...[-8_000, -6_000, -4_000, -2_000, 0].map(
    (startMs) =>
      ['by_path', startMs, startMs + 10_000, { path: '/a' }, { requests: 1, bytes: 10, first: 'u' }] as const,
  ),
  [
    ...(['sessions', 0, 7_000, { userId: 'u' }] as const),
    { requests: 2, length: 1_000, bytes: 30, landing: '/a', exit: '/b' },
  ],
];

/** The files of a small run in which everything is right: two requests, one repeat, one event that is refused. */
function files(): Record<string, Line[] | Line> {
  const first = line('e-1', 0, REQUEST);
  const second = line('e-2', 1_000, { ...REQUEST, method: 'POST', path: '/b', bytes: 20, durationMs: 2_000 });
  const dead = { code: 'EVENT_DATA_INVALID', line: 4, original: REFUSED };
  const results = ROWS.map(([series, startMs, endMs, key, measures], i) => ({
    id: `row-${i}/0`,
    publishedMs: NOON + 1_000 * i,
    data: { series, windowStartMs: NOON + startMs, windowEndMs: NOON + endMs, key, measures },
  }));
  return {
    'sent.ndjson': [{ batch: 0, key: 'chaos-0', lines: [first, second, first, REFUSED] }],
    'answers.ndjson': [{ batch: 0, answer: { accepted: 2, duplicates: 1, rejected: 1 } }],
    ...Object.fromEntries(
      ['by_host', 'by_path', 'sessions'].flatMap((series) => [
        [`rows-${series}.ndjson`, rowsOf(series)],
        [`retracted-${series}.ndjson`, []],
      ]),
    ),
    'alerts.ndjson': [],
    'topic-alerts.ndjson': [],
    'topic-late.ndjson': [],
    'dead-letters.ndjson': [{ eventId: 'e-3', ...dead }],
    'topic-dead.ndjson': [{ id: 'e-3', data: { dead } }],
    'topic-results.ndjson': results,
    'stored-rows.ndjson': ROWS.map(([series], i) => ({ series, id: `row-${i}` })),
    'streams.json': [
      { stream: 'shop', fates: { counted: 2, late: 0, future: 0, filtered: 0, dead: 1, duplicate: 1 } },
    ],
  };
}

function rowsOf(series: string): Line[] {
  return ROWS.filter(([name]) => name === series).map(([, startMs, endMs, key, measures]) => ({
    windowStart: iso(NOON + startMs),
    windowEnd: iso(NOON + endMs),
    ...{ stream: 'shop', key, measures, revision: 0, phase: 'final' },
  }));
}

/** What the recount says of that run if somebody has changed one of its files. */
export function recountOf(name?: string, change?: (lines: Line[]) => unknown): Recounted {
  const folder = mkdtempSync(join(tmpdir(), 'millrace-recount-'));
  try {
    for (const [file, content] of Object.entries(files())) {
      const isLines = file.endsWith('.ndjson');
      const text = isLines
        ? (content as Line[]).map((each) => `${JSON.stringify(each)}\n`).join('')
        : JSON.stringify(content);
      writeFileSync(join(folder, file), text);
    }
    if (name !== undefined && change !== undefined) damage(join(folder, name), change);
    const { status, stdout, stderr } = spawnSync(
      'python3',
      [join(import.meta.dirname, 'recount.py'), folder],
      {
        encoding: 'utf8',
      },
    );
    if (status !== 0) throw new Error(stderr);
    return JSON.parse(stdout) as Recounted;
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function damage(file: string, change: (lines: Line[]) => unknown): void {
  const lines = readFileSync(file, 'utf8')
    .split('\n')
    .filter((each) => each !== '')
    .map((each) => JSON.parse(each) as Line);
  const changed = change(lines);
  writeFileSync(
    file,
    (Array.isArray(changed) ? (changed as Line[]) : lines)
      .map((each) => `${JSON.stringify(each)}\n`)
      .join(''),
  );
}
