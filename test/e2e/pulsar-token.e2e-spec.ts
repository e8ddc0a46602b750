import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describeWithPulsar } from '#libs/testing';
import { allRows, closeStream, fatesOf, requestsByMinute } from './api.js';
import { ClusterProcess } from './cluster-process.js';
import { GuardedPulsar } from './guarded-pulsar.js';
import { Opened } from './opened.js';
import { untilReadyIs } from './readiness.js';
import { recount } from './recount.js';
import { removeFolder, temporaryFolder } from './standalone-process.js';
import { SteadyLoad } from './steady-load.js';

// A broker that speaks TLS by a certificate of its own, and wants a token. Tokens expire, and are renewed in their file by
// somebody else, as Kubernetes does.

const PATIENCE_MS = 360_000;
/** For a broker that is started again. */
const HAS_TIME = (fc.readConfigureGlobal().numRuns ?? 200) >= 2_000;
const START_MS = Date.UTC(2026, 0, 31, 12);

describeWithPulsar('over wss://, a broker that wants a token', () => {
  const opened = new Opened();
  let pulsar: GuardedPulsar | undefined;
  let tokenFile: string;
  let settings: Readonly<Record<string, string>>;

  beforeAll(async () => {
    pulsar = await GuardedPulsar.start();
  }, PATIENCE_MS);
  afterAll(() => pulsar?.remove(), PATIENCE_MS);

  beforeEach(() => {
    const folder = temporaryFolder();
    opened.add(() => removeFolder(folder));
    tokenFile = join(folder, 'token');
    const { webSocket, caFile } = pulsar!;
    settings = {
      MILLRACE_BROKER: webSocket,
      MILLRACE_BROKER_TOKEN_FILE: tokenFile,
      MILLRACE_BROKER_CA_FILE: caFile,
    };
  });
  afterEach(() => opened.closeAll(), PATIENCE_MS);

  /** Listens at once, also while it waits for its broker. */
  async function start(changes: Readonly<Record<string, string>> = {}): Promise<string> {
    const folder = temporaryFolder();
    opened.add(() => removeFolder(folder));
    const app = ClusterProcess.app('standalone', {
      ...{ MILLRACE_DATA_DIR: folder, MILLRACE_DEMO: 'false' },
      ...settings,
      ...changes,
    });
    opened.add(() => app.kill());
    const [, port = ''] = await app.line(/"port":"(\d+)".*app listens/);
    return `http://localhost:${port}`;
  }

  it('is no broker to whoever does not trust its certificate, and says so', async () => {
    writeFileSync(tokenFile, pulsar!.validToken());
    const url = await start({ MILLRACE_BROKER_CA_FILE: '' });
    process.stderr.write(
      `unknown certificate: ${await untilReadyIs(url, 503, 'BROKER_UNAVAILABLE', 'certificate')}\n`,
    );
  }, 600_000);

  it('is waited for with a token that has expired, at the start and later; nothing is lost, and a new one is taken', async () => {
    writeFileSync(tokenFile, pulsar!.expiredToken());
    const url = await start();
    process.stderr.write(`expired token: ${await untilReadyIs(url, 503, 'BROKER_UNAUTHORIZED', '401')}\n`);
    writeFileSync(tokenFile, pulsar!.validToken());
    await untilReadyIs(url, 200);

    const load = new SteadyLoad(url, 'web', START_MS);
    opened.add(() => load.abandon());
    load.start(200);
    await load.untilMoreIsStored();
    writeFileSync(tokenFile, pulsar!.expiredToken());
    await untilReadyIs(url, 503, 'BROKER_UNAUTHORIZED', '401');
    if (HAS_TIME) {
      // What is open stays open; so all of it has to be opened again.
      await pulsar!.broker.kill();
      await pulsar!.broker.startAgain();
      await untilReadyIs(url, 503, 'BROKER_UNAUTHORIZED', '401');
    }
    expect((await fetch(`${url}/health/live`)).status).toBe(200);
    writeFileSync(tokenFile, pulsar!.validToken());
    await untilReadyIs(url, 200);
    await load.finish();
    await closeStream(url, 'web');
    const rows = await allRows(url, 'requests_per_minute', 'web');
    expect(requestsByMinute(rows)).toEqual(recount(load.log));
    expect(await fatesOf(url, 'web')).toMatchObject({ counted: load.sent, late: 0, dead: 0, future: 0 });
  }, 900_000);
});
