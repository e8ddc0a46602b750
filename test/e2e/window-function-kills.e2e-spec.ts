import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterEach, describe, expect, it } from '@jest/globals';
import { makeAccessLog } from './access-log.js';
import { allRows, type ApiRow, closeStream, postLog } from './api.js';
import { removeFolder, StandaloneProcess, temporaryFolder } from './standalone-process.js';
import { writeFunctions } from './user-functions.js';

// A window function of a user, in a process that kills itself at a step of either of its stages, is started again and gets
// the same log under the same key: each row equals a count of the log's own lines.

const LOG = makeAccessLog({ lines: 1_500, days: 1, broken: 0, seed: 31 });
const KEY = 'log-31';
const DEATHS = [
  ['web/by-status.local/0@after-apply:2'],
  ['web/by-status.local/1@after-commit:2', 'web/by-status.global/0@before-commit'],
  ['web/by-status.local/0@after-deliver-messages', 'web/by-status.local/0@after-deliver-messages'],
  ['web/by-status.global/0@after-commit:2', 'web/by-status.global/0@after-deliver-rows'],
] as const;

const RUNTIME = pathToFileURL(join(process.cwd(), 'dist', 'libs', 'functions', 'index.js')).href;
const CODE = `
  import { count, defineWindowFunction, sum, tumbling } from '${RUNTIME}';
  export const byStatus = defineWindowFunction({
    name: 'by-status',
    input: 'web.enriched',
    window: tumbling('10m').withAllowedLateness('2m'),
    by: ({ status }) => ({ status }),
    measures: { requests: count(), bytes: sum(({ bytes }) => bytes) },
  });`;

let folder: string | undefined;
let standalone: StandaloneProcess | undefined;

afterEach(async () => {
  await standalone?.kill();
  standalone = undefined;
  if (folder !== undefined) removeFolder(folder);
});

describe('a window function whose process dies at', () => {
  it.each(DEATHS.map((deaths) => ({ title: deaths.join(', then '), deaths })))(
    '$title counts each event once',
    async ({ deaths }) => {
      folder = temporaryFolder();
      const settings = { MILLRACE_FUNCTIONS: writeFunctions(folder, CODE) };
      for (const failpoint of deaths)
        expect(await runUntilDead({ ...settings, MILLRACE_FAILPOINT: failpoint })).toBe('SIGKILL');
      standalone = await StandaloneProcess.start(folder, settings);
      await work(standalone.url);
      const expected = countedByHand();
      const rows = await finalRows(standalone.url, Object.keys(expected).length);
      const found = rows.map(({ windowStart, key, measures }) => [
        `${windowStart} ${String(key['status'])}`,
        measures,
      ]);
      expect(Object.fromEntries(found)).toEqual(expected);
      expect(rows).toHaveLength(found.length);
    },
    300_000,
  );
});

/** The pipeline's own windows are closed when the route has answered; those of functions a moment later. */
async function finalRows(url: string, count: number): Promise<readonly ApiRow[]> {
  for (;;) {
    const rows = await allRows(url, 'by-status', 'web');
    if (rows.length >= count && rows.every(({ phase }) => phase === 'final')) return rows;
  }
}

async function work(url: string): Promise<void> {
  await postLog(url, 'web', LOG.text, KEY);
  await closeStream(url, 'web');
}

/** How the process ended. */
async function runUntilDead(settings: Readonly<Record<string, string>>): Promise<unknown> {
  const started = await StandaloneProcess.start(folder as string, settings).catch((error: Error) => error);
  // Some die before they listen.
  if (started instanceof Error) return /ended with (\w+)/.exec(started.message)?.[1] ?? started.message;
  standalone = started;
  await Promise.race([work(started.url).then(() => started.ended), started.ended]).catch(() => undefined);
  return await started.ended;
}

/** Straight from the text. */
function countedByHand(): Readonly<Record<string, { requests: number; bytes: number }>> {
  const counts: Record<string, { requests: number; bytes: number }> = {};
  for (const line of LOG.text.trimEnd().split('\n')) {
    const [, day, month, year, time, offset, status, bytes] =
      /\[(\d+)\/(\w+)\/(\d+):([\d:]+) ([+-]\d{4})\] ".*?" (\d{3}) (\d+|-)/.exec(line) ?? [];
    const timeMs = Date.parse(`${day} ${month} ${year} ${time} ${offset}`);
    const startMs = Math.floor(timeMs / 600_000) * 600_000;
    const cell = (counts[`${new Date(startMs).toISOString()} ${status}`] ??= { requests: 0, bytes: 0 });
    cell.requests += 1;
    cell.bytes += bytes === '-' ? 0 : Number(bytes);
  }
  return counts;
}
