import { afterEach, describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { fatesOf } from './api.js';
import { removeFolder, StandaloneProcess, temporaryFolder } from './standalone-process.js';
import { writeFunctions } from './user-functions.js';

// A function ends its process on one event, each time it meets it. The process is started again, as an orchestrator
// would, until it stays up. Then that event is a dead letter, and every other one has counted once.

const POISON = 17;
const EVENTS = 40;
/** Three among others, two alone. */
const ENDS = 5;

let folder: string | undefined;
let standalone: StandaloneProcess | undefined;

afterEach(async () => {
  await standalone?.kill();
  standalone = undefined;
  if (folder !== undefined) removeFolder(folder);
});

/** Counts what it has processed, in a counter that is part of its commits. */
function functions(end: string): string {
  return `
    export const fragile = {
      name: 'fragile',
      input: 'web.enriched',
      maxInFlight: 4,
      process({ data }, { counters }) {
        if (data.path === '/${POISON}') ${end};
        counters.add('processed');
      },
    };`;
}

async function postEvents(url: string): Promise<void> {
  const events = Array.from({ length: EVENTS }, (_, n) => ({
    id: `e${n}`,
    time: new Date(Date.UTC(2026, 0, 1) + n * 1_000).toISOString(),
    data: { method: 'GET', path: `/${n}`, status: 200 },
  }));
  const response = await fetch(`${url}/v1/streams/web/events`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(events),
  });
  expect(await response.json()).toMatchObject({ accepted: EVENTS });
}

/** Starts it again and again until it stays up and the function has done everything else. */
async function runUntilProcessed(settings: Readonly<Record<string, string>>): Promise<readonly unknown[]> {
  const ends: unknown[] = [];
  for (let isStored = false; ;) {
    const started = await StandaloneProcess.start(folder as string, settings).catch((error: Error) => error);
    if (started instanceof Error) {
      // Some die before they listen.
      ends.push(/ended with (\w+)/.exec(started.message)?.[1]);
      continue;
    }
    standalone = started;
    // It may die before all of them are stored: whoever has no answer sends again, under the same ids.
    isStored ||= await postEvents(started.url).then(
      () => true,
      () => false,
    );
    const ended = await Promise.race([started.ended, processed(started.url)]);
    if (ended === 'processed') return ends;
    ends.push(ended);
  }
}

/** Resolves when the counters of all partitions say so; never where the process ends before. */
async function processed(url: string): Promise<'processed'> {
  for (;;) {
    const metrics = await fetch(`${url}/metrics`)
      .then((response) => response.text())
      .catch(() => undefined);
    if (metrics === undefined) return await new Promise(() => undefined);
    const counts = metrics.matchAll(/^millrace_function_counter\{[^}]*name="processed"[^}]*\} (\d+)$/gm);
    const total = [...counts].reduce((sum, [, count]) => sum + Number(count), 0);
    const quarantined = /^millrace_function_quarantined_total\{[^}]*\} 1$/m.test(metrics);
    if (total >= EVENTS - 1 && quarantined) return 'processed';
  }
}

const ALL_ENDS: readonly (readonly [string, string | number])[] = [
  ['process.exit(3)', 3],
  ["void Promise.reject(new Error('nobody waits for this'))", 1],
  ["process.kill(process.pid, 'SIGKILL')", 'SIGKILL'],
  ['process.abort()', 'SIGABRT'],
];
/** All of them where there is time. */
const TRIED_ENDS = ALL_ENDS.slice(0, (fc.readConfigureGlobal().numRuns ?? 200) >= 2_000 ? undefined : 1);

describe('a function that ends its process on one event', () => {
  it.each(TRIED_ENDS)(
    'by %s loses that event alone, to the dead letters',
    async (code, how) => {
      folder = temporaryFolder();
      const MILLRACE_FUNCTIONS = writeFunctions(folder, functions(code));
      const ends = await runUntilProcessed({ MILLRACE_FUNCTIONS });
      expect(ends.map(String)).toEqual(Array(ENDS).fill(String(how)));
      const { url } = standalone as StandaloneProcess;
      const answer = (await fetch(`${url}/v1/dead-letters`).then((response) => response.json())) as {
        readonly deadLetters: readonly { readonly original: string }[];
      };
      expect(answer.deadLetters).toMatchObject([
        { code: 'FUNCTION_CRASHED', stage: 'fragile', eventId: 'fragile/e17' },
      ]);
      expect(JSON.parse(answer.deadLetters[0]?.original ?? '')).toMatchObject({ id: 'e17', stream: 'web' });
      expect(await fatesOf(url, 'web')).toMatchObject({ counted: EVENTS });
    },
    // Each end leaves its leases to expire, which takes ten seconds.
    600_000,
  );
});
