import { expect, it } from '@jest/globals';
import { type Line, recountOf } from './recorded-run.js';

// The program that counts a chaos run again finds whatever is planted.

type Lines = Line[];

const withChanged = (lines: Lines, index: number, change: object): Lines =>
  lines.map((line, i) => (i === index ? { ...line, ...change } : line));
const again = (lines: Lines): Lines => [...lines, lines[0]!];
const ALERT = {
  ...{ rule: 'host-broken', fingerprint: 'f', labels: { host: 'h' }, sequence: 0, from: 'inactive' },
  ...{ status: 'pending', reason: 'breach', value: 0.5 },
  ...{ startedAt: '2026-01-01T12:00:00.000Z', since: '2026-01-01T12:00:02.000Z' },
};

const PLANTED: readonly (readonly [
  what: string,
  file: string,
  change: (lines: Lines) => Lines,
  found: object,
])[] = [
  ['a row that is gone', 'rows-by_path.ndjson', (lines) => lines.slice(1), { lost: 1 }],
  ['a session that is gone', 'rows-sessions.ndjson', () => [], { lost: 1 }],
  [
    'a row with another number',
    'rows-by_host.ndjson',
    (lines) => withChanged(lines, 0, { measures: {} }),
    { differing: 1 },
  ],
  [
    'a row that was corrected',
    'rows-by_host.ndjson',
    (lines) => withChanged(lines, 0, { revision: 1 }),
    { differing: 1 },
  ],
  [
    'a row that may still change',
    'rows-by_host.ndjson',
    (lines) => withChanged(lines, 0, { phase: 'complete' }),
    { differing: 1 },
  ],
  [
    'a row of another key',
    'rows-by_host.ndjson',
    (lines) => [...lines, { ...lines[0]!, key: { host: 'i' } }],
    { differing: 1 },
  ],
  [
    'a row that was taken back',
    'retracted-sessions.ndjson',
    () => [{ key: { userId: 'v' } }],
    { differing: 1 },
  ],
  ['a row that the API gives twice', 'rows-by_path.ndjson', again, { doubled: 1 }],
  ['a row that the database has twice', 'stored-rows.ndjson', again, { doubled: 1 }],
  ['a row that the database lacks', 'stored-rows.ndjson', (lines) => lines.slice(1), { lost: 1 }],
  ['a result that is told twice', 'topic-results.ndjson', again, { doubled: 1 }],
  ['a result that is not told', 'topic-results.ndjson', (lines) => lines.slice(1), { lost: 1 }],
  ['a dead letter that is gone', 'dead-letters.ndjson', () => [], { lost: 1 }],
  ['a dead letter that is told twice', 'topic-dead.ndjson', again, { doubled: 1 }],
  [
    'a dead letter with another place',
    'dead-letters.ndjson',
    (lines) => withChanged(lines, 0, { line: 3 }),
    { differing: 1 },
  ],
  [
    'an event that is called late',
    'topic-late.ndjson',
    () => [{ id: 'e-1/by_host', data: { series: 'by_host' } }],
    { differing: 1 },
  ],
  [
    'an alert for nothing',
    'topic-alerts.ndjson',
    () => [{ id: 'f-1767268800000/0', data: ALERT }],
    { differing: 1 },
  ],
  [
    'an alert of another name',
    'alerts.ndjson',
    () => [{ history: [ALERT, ALERT] }],
    { doubled: 1, differing: 1 },
  ],
  ['an answer that is missing', 'answers.ndjson', () => [], { lost: 1 }],
  [
    'an answer that says something else',
    'answers.ndjson',
    (lines) => withChanged(lines, 0, { answer: {} }),
    { differing: 1 },
  ],
];

it('finds nothing where everything is right, and whatever is planted', () => {
  const damages = PLANTED.map(([, file, change]) => ({ file, change }));
  const [right, ...damaged] = recountOf([undefined, ...damages]);
  expect(right).toMatchObject({
    ...{ events: 2, rows: 7, sessions: 1, transitions: 0, deadLetters: 1 },
    ...{ lost: 0, doubled: 0, differing: 0, examples: [] },
    ...{ longestPauseMs: 1_000 },
  });
  const found = damaged.map(({ lost, doubled, differing, examples }, i) => [
    PLANTED[i]![0],
    { lost, doubled, differing },
    examples.length > 0,
  ]);
  const planted = PLANTED.map(([what, , , each]) => [
    what,
    { lost: 0, doubled: 0, differing: 0, ...each },
    true,
  ]);
  expect(found).toEqual(planted);
});
