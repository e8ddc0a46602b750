import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { MongoClient } from 'mongodb';
import { describeWithMongodb, describeWithPulsar } from '#libs/testing';
import { allRows, closeStream, fatesOf } from './api.js';
import { ClusterProcess } from './cluster-process.js';
import type { Answers } from './offered-load.js';
import { Opened } from './opened.js';
import { PulsarNamespace } from './pulsar-namespace.js';
import { SlowLine } from './slow-line.js';
import { type SlowStoreFigures, type SlowStorePlace, SlowStoreTrial } from './slow-store-trial.js';
import { removeFolder, StandaloneProcess, temporaryFolder } from './standalone-process.js';

// Ten times as much is offered as the store can take: the sender is told to wait, the memory stays where it is, and what was
// answered 202 is there in the end. MILLRACE_TEST_RUNS=20000 is the whole of it, with figures; CI takes less.

const RUNS = Number(process.env['MILLRACE_TEST_RUNS'] ?? 200);
const SECONDS =
  RUNS >= 20_000
    ? { calm: 30, flood: 60, after: 60 }
    : RUNS >= 2_000
      ? { calm: 5, flood: 10, after: 10 }
      : { calm: 2, flood: 3, after: 2 };
/** Frames; each has up to 500 events. */
const MAX_BACKLOG = RUNS >= 20_000 ? 100 : 8;
const MAX_RESIDENT_MEBIBYTES = 512;
const APPS = ['ingest', 'enrich', 'aggregate', 'alert', 'dashboard'] as const;

let opened: Opened;
let line: SlowLine;

beforeEach(() => {
  opened = new Opened();
});
afterEach(async () => {
  line.limit(Infinity);
  await opened.closeAll();
}, 300_000);

/** A database of its own: directly, and at the end of a slow line. */
async function openStore(driver: string): Promise<{ readonly slow: string; readonly direct: string }> {
  const database = `slow-${process.pid}-${Date.now()}`;
  const { hostname, port } = new URL(driver.replace('mongodb:', 'http:'));
  opened.add(() => dropDatabase(driver, database));
  line = await SlowLine.to(hostname, Number(port));
  opened.add(() => line.close());
  const address = (at: string): string => `mongodb://${at}/${database}?directConnection=true`;
  return { slow: address(`127.0.0.1:${line.port}`), direct: address(`${hostname}:${port}`) };
}

async function expectNothingLost(place: SlowStorePlace): Promise<void> {
  const figures = await new SlowStoreTrial(place, SECONDS).run();
  if (RUNS >= 2_000) report(figures);
  const { flood, residentMebibytes } = figures;
  expectRefused(flood);
  const tooLarge = Object.entries(residentMebibytes).filter(([, most]) => !(most < MAX_RESIDENT_MEBIBYTES));
  expect(tooLarge).toEqual([]);
  await closeStream(place.ingest, 'flood');
  const fates = await fatesOf(place.dashboard, 'flood');
  expect(fates).toMatchObject({ counted: flood.accepted, dead: 0, duplicate: 0, late: 0 });
  const rows = await allRows(place.dashboard, 'requests_per_minute', 'flood');
  expect(rows.reduce((sum, { measures }) => sum + Number(measures['requests']), 0)).toBe(flood.accepted);
}

describeWithMongodb('a store that takes a tenth of what is offered', ({ driver }) => {
  test('costs nothing that was answered 202, and no more memory than it may', async () => {
    const { slow } = await openStore(driver);
    const folder = temporaryFolder();
    opened.add(() => removeFolder(folder));
    const settings = { MILLRACE_STORE: slow, MILLRACE_INGEST_MAX_BACKLOG: String(MAX_BACKLOG) };
    const { url, ...running } = await started(folder, settings);
    const urls = { ingest: url, dashboard: url, aggregate: url };
    await expectNothingLost({ line, ...urls, processes: { standalone: running.pid } });
  }, 2_400_000);

  async function started(
    folder: string,
    settings: Readonly<Record<string, string>>,
  ): Promise<{ readonly url: string; readonly pid: number }> {
    const running = await StandaloneProcess.start(folder, settings);
    opened.add(() => running.kill());
    // In order: what a killed one leaves half done in the database keeps that from being dropped for a minute.
    opened.add(() => running.stop());
    return { url: running.url, pid: running.pid };
  }
});

/** Where there is time for it. */
const describeWithTime = RUNS >= 2_000 ? describeWithPulsar : (): void => undefined;

describeWithTime(
  'each app as a process, over a Pulsar and a store that takes a tenth of what is offered',
  (pulsar) => {
    describeWithMongodb('and a MongoDB', ({ driver }) => {
      test('costs nothing that was answered 202, and none of them more memory than it may', async () => {
        const { slow, direct } = await openStore(driver);
        const namespace = await PulsarNamespace.make(pulsar);
        opened.add(() => namespace.remove());
        const settings = {
          ...namespace.settings,
          ...{ MILLRACE_INGEST_MAX_BACKLOG: String(MAX_BACKLOG), MILLRACE_APPLY_TOPOLOGY: 'true' },
        };
        const apps = APPS.map((name) => {
          // Whoever looks is not slowed.
          const app = ClusterProcess.app(name, {
            ...settings,
            MILLRACE_STORE: name === 'dashboard' ? direct : slow,
          });
          opened.add(() => app.kill());
          opened.add(() => app.stop());
          return [name, app] as const;
        });
        const urls = new Map(
          await Promise.all(apps.map(async ([name, app]) => [name, await app.url()] as const)),
        );
        const urlOf = (name: (typeof APPS)[number]): string => urls.get(name) ?? '';
        await expectNothingLost({
          ...{ line, ingest: urlOf('ingest'), dashboard: urlOf('dashboard'), aggregate: urlOf('aggregate') },
          processes: Object.fromEntries(apps.map(([name, app]) => [name, app.pid])),
        });
      }, 2_400_000);
    });
  },
);

/** Whoever is refused is told why and when to come again. */
function expectRefused({ refused }: Answers): void {
  expect([...refused.keys()].filter((what) => !/^(429|503) [A-Z_]+ says when$/.test(what))).toEqual([]);
  expect([...refused.keys()]).toContain('429 BACKLOG_FULL says when');
}

function report({ flood, ...figures }: SlowStoreFigures): void {
  const refused = Object.fromEntries(flood.refused);
  process.stderr.write(`${JSON.stringify({ ...figures, accepted: flood.accepted, refused })}\n`);
}

async function dropDatabase(driver: string, database: string): Promise<void> {
  const client = new MongoClient(driver);
  await client.db(database).dropDatabase();
  await client.close();
}
