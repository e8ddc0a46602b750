import { afterEach, describe, expect, it } from '@jest/globals';
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { type ApiRow, allRows, closeStream, postLog } from './api.js';
import { removeFolder, StandaloneProcess, temporaryFolder } from './standalone-process.js';
import { visitsLog } from './visits-log.js';

// Sessions, top paths and visits of a log that is posted, beside a recount in another language.

interface Recounted {
  /** Start, end, requests and length of each session. */
  readonly sessions: readonly (readonly [number, number, number, number])[];
  /** Minute → visits. */
  readonly visits: Readonly<Record<string, number>>;
  /** Start of each window of five minutes → path → visits. */
  readonly paths: Readonly<Record<string, Readonly<Record<string, number>>>>;
}

const HAS_PYTHON = spawnSync('python3', ['--version']).status === 0;
const itWithPython = HAS_PYTHON ? it : it.skip;
const LACKING = HAS_PYTHON ? '' : ' [needs python3]';

let dataDir: string;
let standalone: StandaloneProcess | undefined;

afterEach(async () => {
  await standalone?.kill();
  removeFolder(dataDir);
});

function recountVisits(log: string): Recounted {
  const script = join(import.meta.dirname, 'recount_visits.py');
  const { stdout, stderr, status } = spawnSync('python3', [script], {
    input: log,
    encoding: 'utf8',
    maxBuffer: 2 ** 26,
  });
  if (status !== 0) throw new Error(stderr);
  return JSON.parse(stdout) as Recounted;
}

function sessionsOf(rows: readonly ApiRow[]): readonly (readonly number[])[] {
  const sessions = rows.map(({ windowStart, windowEnd, measures }) => [
    Date.parse(windowStart),
    Date.parse(windowEnd),
    Number(measures['requests']),
    Number(measures['length']),
  ]);
  return sessions.sort((a, b) => a[0]! - b[0]! || a[1]! - b[1]! || a[2]! - b[2]! || a[3]! - b[3]!);
}

function pathsOf({ measures }: ApiRow): Readonly<Record<string, number>> {
  const { entries } = measures['paths'] as { entries: readonly { value: string; count: number }[] };
  return Object.fromEntries(entries.map(({ value, count }) => [value, count]));
}

describe('a log of visits', () => {
  itWithPython(
    `gives the sessions, top paths and visits of a recount${LACKING}`,
    async () => {
      dataDir = temporaryFolder();
      standalone = await StandaloneProcess.start(dataDir);
      const { url } = standalone;
      const log = visitsLog({ visitors: 1_200, seed: 5 });
      await postLog(url, 'web', log);
      await closeStream(url, 'web');
      const expected = recountVisits(log);
      expect(expected.sessions.length).toBeGreaterThan(1_500);

      const sessions = await allRows(url, 'sessions', 'web');
      expect(sessionsOf(sessions)).toEqual(expected.sessions);
      expect([...new Set(sessions.map(({ phase }) => phase))]).toEqual(['final']);

      const visits = (await allRows(url, 'visits_per_minute', 'web')).map(({ windowStart, measures }) => [
        String(Date.parse(windowStart)),
        Number(measures['visits']),
      ]);
      expect(Object.fromEntries(visits)).toEqual(expected.visits);

      const paths = (await allRows(url, 'top_paths', 'web')).map((row) => [
        String(Date.parse(row.windowStart)),
        pathsOf(row),
      ]);
      expect(Object.fromEntries(paths)).toEqual(expected.paths);
    },
    300_000,
  );
});
