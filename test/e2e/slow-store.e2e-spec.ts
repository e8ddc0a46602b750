import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { MongoClient } from 'mongodb';
import { readFileSync } from 'node:fs';
import { describeWithMongodb } from '#libs/testing';
import { allRows, closeStream, fatesOf } from './api.js';
import { until } from './foreign-producer.js';
import { type Answers, offer } from './offered-load.js';
import { Opened } from './opened.js';
import { SlowLine } from './slow-line.js';
import { removeFolder, StandaloneProcess, temporaryFolder } from './standalone-process.js';

// Ten times as much is offered as the store can take: the sender is told to wait, the memory stays where it is, and what was
// answered 202 is there in the end. MILLRACE_TEST_RUNS=20000 is the whole of it, with figures; CI takes less.

const RUNS = Number(process.env['MILLRACE_TEST_RUNS'] ?? 200);
const SECONDS = RUNS >= 20_000 ? 60 : RUNS >= 2_000 ? 10 : 4;
const STORE_EVENTS_PER_SECOND = 1_000;
const OFFERED_EVENTS_PER_SECOND = 10_000;
const CALM_EVENTS_PER_SECOND = 500;
/** Frames; each has up to 500 events. */
const MAX_BACKLOG = RUNS >= 20_000 ? 100 : 8;
const MAX_RESIDENT_MEBIBYTES = 512;
const START_MS = Date.UTC(2026, 0, 5, 12);
const PATIENCE_MS = 600_000;

describeWithMongodb('a store that takes a tenth of what is offered', ({ driver }) => {
  const database = `slow-${process.pid}`;
  const opened = new Opened();
  let line: SlowLine;
  let running: StandaloneProcess;

  beforeEach(async () => {
    const { hostname, port } = new URL(driver.replace('mongodb:', 'http:'));
    line = await SlowLine.to(hostname, Number(port));
    opened.add(() => line.close());
    const folder = temporaryFolder();
    opened.add(() => removeFolder(folder));
    opened.add(() => dropDatabase(driver, database));
    running = await StandaloneProcess.start(folder, {
      MILLRACE_STORE: `mongodb://127.0.0.1:${line.port}/${database}?directConnection=true`,
      MILLRACE_INGEST_MAX_BACKLOG: String(MAX_BACKLOG),
    });
    opened.add(() => running.kill());
  }, 300_000);
  afterEach(async () => {
    line.limit(Infinity);
    await opened.closeAll();
  }, 240_000);

  test('costs nothing that was answered 202, and no more memory than it may', async () => {
    const { url } = running;
    const calm = { eventsPerSecond: CALM_EVENTS_PER_SECOND, seconds: Math.max(4, SECONDS / 4) };
    const before = await offer(url, { stream: 'before', ...calm, startMs: START_MS });
    await untilCounted('before', before);
    const bytesPerEvent = await bytesOfAnEvent();
    line.limit(STORE_EVENTS_PER_SECOND * bytesPerEvent);
    const flood = { eventsPerSecond: OFFERED_EVENTS_PER_SECOND, seconds: SECONDS };
    const floodMs = performance.now();
    const during = await offer(url, { stream: 'flood', ...flood, startMs: START_MS });
    await untilCounted('flood', during);
    const drainedMs = performance.now() - floodMs;
    line.limit(Infinity);
    const after = await offer(url, { stream: 'after', ...calm, startMs: START_MS });
    await untilCounted('after', after);
    if (RUNS >= 2_000) report({ before, during, after }, { bytesPerEvent, drainedMs });
    expectRefused(during);
    expect(residentMaximumMebibytes(running.pid)).toBeLessThan(MAX_RESIDENT_MEBIBYTES);
    await closeStream(url, 'flood');
    const rows = await allRows(url, 'requests_per_minute', 'flood');
    expect(rows.reduce((sum, { measures }) => sum + Number(measures['requests']), 0)).toBe(during.accepted);
  }, 1_500_000);

  async function untilCounted(stream: string, { accepted }: Answers): Promise<void> {
    const counted = async (): Promise<number> =>
      (await fatesOf(running.url, stream).catch(() => undefined))?.counted ?? 0;
    await until(counted, (count) => count >= accepted, PATIENCE_MS);
    expect(await fatesOf(running.url, stream)).toMatchObject({ counted: accepted, dead: 0, duplicate: 0 });
  }

  /** What an event costs the store under load, when commits are as large as they get. */
  async function bytesOfAnEvent(): Promise<number> {
    const bytesBefore = line.bytes;
    const load = { eventsPerSecond: OFFERED_EVENTS_PER_SECOND, seconds: 2 };
    const measured = await offer(running.url, { stream: 'measured', ...load, startMs: START_MS });
    await untilCounted('measured', measured);
    return (line.bytes - bytesBefore) / measured.accepted;
  }

  function report(
    phases: Readonly<Record<string, Answers>>,
    figures: Readonly<Record<string, number>>,
  ): void {
    process.stderr.write(`${JSON.stringify(figures)}\n`);
    const p99 = ({ tookMs }: Answers): number =>
      [...tookMs].sort((a, b) => a - b)[Math.ceil(tookMs.length * 0.99) - 1] ?? NaN;
    for (const [name, answers] of Object.entries(phases)) {
      const refused = JSON.stringify(Object.fromEntries(answers.refused));
      process.stderr.write(
        `${name}: ${answers.accepted} accepted, p99 ${p99(answers).toFixed(0)} ms, refused ${refused}\n`,
      );
    }
    process.stderr.write(`resident maximum ${residentMaximumMebibytes(running.pid).toFixed(0)} MiB\n`);
  }
});

/** Whoever is refused is told why and when to come again. */
function expectRefused({ refused }: Answers): void {
  expect([...refused.keys()].filter((what) => !/^(429|503) [A-Z_]+ says when$/.test(what))).toEqual([]);
  expect([...refused.keys()]).toContain('429 BACKLOG_FULL says when');
}

/** Linux only. */
function residentMaximumMebibytes(pid: number): number {
  const [, kilobytes = 'NaN'] = /VmHWM:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? [];
  return Number(kilobytes) / 1024;
}

async function dropDatabase(driver: string, database: string): Promise<void> {
  const client = new MongoClient(driver);
  await client.db(database).dropDatabase();
  await client.close();
}
