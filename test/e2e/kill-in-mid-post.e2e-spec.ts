import { afterEach, describe, expect, it } from '@jest/globals';
import { request } from 'node:http';
import { generator, makeAccessLog } from './access-log.js';
import { allRows, closeStream, fatesOf, postLog, requestsByMinute } from './api.js';
import { recount } from './recount.js';
import { removeFolder, StandaloneProcess, temporaryFolder } from './standalone-process.js';

// A power cut in the middle of a post, again and again; each time the sender sends the same log again under the
// same key. In the end every line counts once.

const LOG = makeAccessLog({ lines: 10_000, days: 3, broken: 20, seed: 11 });
const KILLS = 20;
const SEED = 20_251_122;
const KEY = 'log-11';

let standalone: StandaloneProcess | undefined;
let dataDir: string;

afterEach(async () => {
  await standalone?.kill();
  removeFolder(dataDir);
});

/** Sends the log up to a byte, then holds the connection open until `cut` has ended the server. */
async function postUpTo(url: string, log: Buffer, bytes: number, cut: () => Promise<void>): Promise<void> {
  const post = request(`${url}/v1/streams/web/logs`, { method: 'POST', headers: { 'idempotency-key': KEY } });
  const broken = new Promise<void>((resolve) =>
    post.once('error', () => resolve()).once('close', () => resolve()),
  );
  await new Promise<void>((written) => post.write(log.subarray(0, bytes), () => written()));
  if (bytes === log.length) post.end();
  await cut();
  await broken;
}

describe('kill -9 in the middle of a post', () => {
  it(`at ${KILLS} random moments leaves every line counted once`, async () => {
    const random = generator(SEED);
    const log = Buffer.from(LOG.text);
    dataDir = temporaryFolder();
    for (let kill = 0; kill < KILLS; kill++) {
      const running = (standalone = await StandaloneProcess.start(dataDir));
      const bytes = Math.ceil(random() * log.length);
      const linger = Math.floor(random() * 30);
      await postUpTo(running.url, log, bytes, async () => {
        // Turns of the event loop, not time: the kill falls at another point of the work each time.
        for (let turn = 0; turn < linger; turn++)
          await fetch(`${running.url}/health/live`).catch(() => undefined);
        await running.kill();
      });
    }
    standalone = await StandaloneProcess.start(dataDir);
    const { url } = standalone;
    expect(await postLog(url, 'web', LOG.text, KEY)).toMatchObject({ accepted: 10_000, rejected: 20 });
    await closeStream(url, 'web');
    const rows = await allRows(url, 'requests_per_minute', 'web');
    expect(requestsByMinute(rows)).toEqual(recount(LOG.text));
    expect([...new Set(rows.map(({ phase }) => phase))]).toEqual(['final']);
    const fates = await fatesOf(url, 'web');
    expect(fates).toMatchObject({ counted: 10_000, dead: 20, late: 0 });
    // Else no kill had fallen behind a line that was stored.
    expect(fates.duplicate).toBeGreaterThan(1_000);
  }, 300_000);
});
