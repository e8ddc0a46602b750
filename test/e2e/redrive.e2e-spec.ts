import { afterEach, describe, expect, it } from '@jest/globals';
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fatesOf } from './api.js';
import { removeFolder, StandaloneProcess, temporaryFolder } from './standalone-process.js';
import { writeFunctions } from './user-functions.js';

// A function needs something that is down: its events become dead letters. Once that is mended they are sent again,
// twice at the same time, and once more after a kill -9. Each result is there exactly once.

const EVENTS = 20;
const FILTER = { filter: { pipeline: 'web', code: 'PRICES_AWAY' } };

let folder: string | undefined;
let standalone: StandaloneProcess | undefined;

afterEach(async () => {
  await standalone?.kill();
  standalone = undefined;
  if (folder !== undefined) removeFolder(folder);
});

/** Counts each event by its first id, in counters that are part of the commits; a second function sees everything. */
function functions(down: string): string {
  return `
    import { existsSync } from 'node:fs';
    const countOf = (event) => 'done-' + (event.again?.id ?? event.id);
    export const priced = {
      name: 'priced',
      input: 'web.enriched',
      process(event, { counters }) {
        if (existsSync(${JSON.stringify(down)}))
          throw Object.assign(new Error('the prices are away'), { code: 'PRICES_AWAY', retry: 'never' });
        counters.add(countOf(event));
      },
    };
    export const seen = {
      name: 'seen',
      input: 'web.enriched',
      process: (event, { counters }) => counters.add(countOf(event)),
    };`;
}

async function post(url: string, path: string, body: object): Promise<Record<string, unknown>> {
  const response = await fetch(url + path, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
  return (await response.json()) as Record<string, unknown>;
}

/** How often a function has processed each event, by its commits. */
async function countsOf(url: string, name: string): Promise<Record<string, number>> {
  const metrics = await (await fetch(`${url}/metrics`)).text();
  const pattern = new RegExp(
    `^millrace_function_counter\\{[^}]*stage="${name}"[^}]*name="done-([^"]+)"[^}]*\\} (\\d+)$`,
    'gm',
  );
  return Object.fromEntries([...metrics.matchAll(pattern)].map(([, id = '', count]) => [id, Number(count)]));
}

async function until<T>(look: () => Promise<T>, isEnough: (found: T) => boolean): Promise<T> {
  for (;;) {
    const found = await look();
    if (isEnough(found)) return found;
  }
}

const letters = async (url: string): Promise<readonly Record<string, unknown>[]> =>
  (
    (await (await fetch(`${url}/v1/dead-letters?code=PRICES_AWAY`)).json()) as {
      deadLetters: Record<string, unknown>[];
    }
  ).deadLetters;

describe('dead letters of a function', () => {
  it('are sent again when its dependency is mended, and count once however often that is pressed', async () => {
    folder = temporaryFolder();
    const down = join(folder, 'down');
    writeFileSync(down, '');
    const settings = { MILLRACE_FUNCTIONS: writeFunctions(folder, functions(down)) };
    standalone = await StandaloneProcess.start(folder, settings);
    let { url } = standalone;
    const events = Array.from({ length: EVENTS }, (_, n) => ({
      id: `e${n}`,
      time: new Date(Date.UTC(2026, 0, 1) + n * 1_000).toISOString(),
      data: { method: 'GET', path: `/${n}`, status: 200 },
    }));
    expect(await post(url, '/v1/streams/web/events', events)).toMatchObject({ accepted: EVENTS });
    await until(
      () => letters(url),
      (found) => found.length === EVENTS,
    );
    expect(await countsOf(url, 'priced')).toEqual({});

    rmSync(down);
    expect(await post(url, '/v1/dead-letters/redrive', { ...FILTER, dryRun: true })).toMatchObject({
      sent: EVENTS,
    });
    await Promise.all([1, 2].map(() => post(url, '/v1/dead-letters/redrive', FILTER)));
    const once = Object.fromEntries(events.map(({ id }) => [id, 1]));
    const isThere = (found: Record<string, number>): boolean => Object.keys(found).length === EVENTS;
    expect(await until(() => countsOf(url, 'priced'), isThere)).toEqual(once);

    await standalone.kill();
    standalone = await StandaloneProcess.start(folder, settings);
    ({ url } = standalone);
    expect(await post(url, '/v1/dead-letters/redrive', FILTER)).toMatchObject({
      sent: 0,
      alreadySent: EVENTS,
    });
    const isPassed = (fates: Record<string, unknown>): boolean => fates['addressed'] === EVENTS;
    const fates = await until(() => fatesOf(url, 'web') as Promise<Record<string, unknown>>, isPassed);
    expect(fates).toMatchObject({ counted: EVENTS, dead: 0, late: 0 });
    expect(await until(() => countsOf(url, 'priced'), isThere)).toEqual(once);
    expect(await until(() => countsOf(url, 'seen'), isThere)).toEqual(once);
    expect((await letters(url)).map(({ sentAgain }) => sentAgain)).toEqual(
      Array(EVENTS).fill(expect.objectContaining({ as: expect.stringMatching(/^e\d+\/r1$/) as unknown })),
    );
  }, 300_000);

  it('that could not be read are parsed once more, and refused with the reason while they are as they were', async () => {
    folder = temporaryFolder();
    standalone = await StandaloneProcess.start(folder);
    const { url } = standalone;
    await fetch(`${url}/v1/streams/web/logs`, { method: 'POST', body: 'no line of a log\n' });
    const found = await until(
      async () =>
        (await (await fetch(`${url}/v1/dead-letters`)).json()) as {
          deadLetters: { id: string; isLogLine: boolean }[];
        },
      ({ deadLetters }) => deadLetters.length === 1,
    );
    expect(found.deadLetters).toMatchObject([{ code: 'LINE_UNPARSABLE', isLogLine: true }]);
    const ids = found.deadLetters.map(({ id }) => id);
    expect(await post(url, '/v1/dead-letters/redrive', { ids })).toMatchObject({
      sent: 0,
      notRedrivable: 1,
      problems: [{ id: ids[0], code: 'DEAD_LETTER_STILL_INVALID' }],
    });
  }, 300_000);
});
