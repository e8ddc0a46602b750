import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
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

export type Line = Readonly<Record<string, unknown>>;

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

/** Somebody has changed one file of that run. */
export interface Damage {
  readonly file: string;
  readonly change: (lines: Line[]) => readonly Line[];
}

/** What the recount says of that run, with each of these damages; undefined: none. */
export function recountOf(damages: readonly (Damage | undefined)[]): readonly Recounted[] {
  const root = mkdtempSync(join(tmpdir(), 'millrace-recount-'));
  try {
    const folders = damages.map((damage, i) => {
      const folder = join(root, String(i));
      mkdirSync(folder);
      write(folder, damage);
      return folder;
    });
    const program = join(import.meta.dirname, 'recount.py');
    const { status, stdout, stderr } = spawnSync('python3', [program, ...folders], { encoding: 'utf8' });
    if (status !== 0) throw new Error(stderr);
    return stdout
      .trim()
      .split('\n')
      .map((text) => JSON.parse(text) as Recounted);
  } finally {
    rmSync(root, { recursive: true });
  }
}

function write(folder: string, damage: Damage | undefined): void {
  for (const [file, content] of Object.entries(files())) {
    const isDamaged = damage?.file === file;
    const lines = isDamaged ? damage.change(content as Line[]) : content;
    const text = file.endsWith('.ndjson')
      ? (lines as readonly Line[]).map((each) => `${JSON.stringify(each)}\n`).join('')
      : JSON.stringify(lines);
    writeFileSync(join(folder, file), text);
  }
}
