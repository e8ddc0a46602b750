import { expect, it } from '@jest/globals';
import { recountOf } from './recorded-run.js';

// The program that counts a chaos run again finds whatever is planted.

type Lines = Record<string, unknown>[];

it('finds nothing where everything is right', () => {
  expect(recountOf()).toMatchObject({
    ...{ events: 2, rows: 7, sessions: 1, transitions: 0, deadLetters: 1 },
    ...{ lost: 0, doubled: 0, differing: 0, examples: [] },
    ...{ longestPauseMs: 1_000 },
  });
});

const withChanged = (lines: Lines, index: number, change: object): Lines =>
  lines.map((line, i) => (i === index ? { ...line, ...change } : line));
const again = (lines: Lines): Lines => [...lines, lines[0]!];
const ALERT = {
  ...{ rule: 'host-broken', fingerprint: 'f', labels: { host: 'h' }, sequence: 0, from: 'inactive' },
  ...{ status: 'pending', reason: 'breach', value: 0.5 },
  ...{ startedAt: '2026-01-01T12:00:00.000Z', since: '2026-01-01T12:00:02.000Z' },
};

it.each<[string, string, (lines: Lines) => Lines, object]>([
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
])('finds %s', (_what, file, change, found) => {
  const recounted = recountOf(file, change as Parameters<typeof recountOf>[1]);
  const { lost, doubled, differing } = recounted;
  expect({ lost, doubled, differing }).toEqual({ lost: 0, doubled: 0, differing: 0, ...found });
  expect(recounted.examples.length).toBeGreaterThan(0);
});
