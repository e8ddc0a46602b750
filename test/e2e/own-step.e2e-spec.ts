import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { allRows, closeStream, fatesOf, getJson } from './api.js';
import { ClusterProcess } from './cluster-process.js';
import { untilReported } from './foreign-producer.js';
import { removeFolder, StandaloneProcess, temporaryFolder } from './standalone-process.js';

// A step of the user's own, named in a pipeline file, in a real process.

const STEP = `
export class Score {
  constructor({ base }) { this.base = base; }
  async apply(data) {
    if (data.path === '/throws') throw new Error('no score for this');
    if (data.path === '/hangs') await new Promise(() => {});
    if (data.path === '/number') return 5;
    if (data.path === '/none') return false;
    return { ...data, score: this.base + data.status };
  }
}
`;

const PIPELINE = (step: string): string => `
apiVersion: millrace/v1
kind: Pipeline
metadata: {name: web}
spec:
  event: web-request@1
  enrich:
    - use: ${step}
      with: {base: 1000}
      adds: {score: number}
      timeout: 500ms
  aggregate:
    - name: scores
      where: score > 1000
      window: {tumbling: 1m, allowedLateness: 0s}
      by: [stream]
      measures: {events: count, sum: {sum: score}}
`;

let folder: string;
let standalone: StandaloneProcess | undefined;

beforeEach(() => {
  folder = temporaryFolder();
  writeFileSync(join(folder, 'score.mjs'), STEP);
});
afterEach(async () => {
  await standalone?.kill();
  standalone = undefined;
  removeFolder(folder);
});

function pipelineWith(step: string): Readonly<Record<string, string>> {
  const file = join(folder, 'own.yaml');
  writeFileSync(file, PIPELINE(step));
  return { MILLRACE_PIPELINES: file };
}

describe("a step of the user's own", () => {
  it('adds to events, ends some, and costs those that it fails on and no others', async () => {
    standalone = await StandaloneProcess.start(join(folder, 'data'), pipelineWith('./score.mjs'));
    const { url } = standalone;
    const time = '2026-01-05T12:00:00Z';
    const paths = ['/a', '/throws', '/b', '/hangs', '/number', '/none', '/c'];
    const events = paths.map((path) => ({ id: path, time, data: { method: 'GET', path, status: 200 } }));
    const posted = await fetch(`${url}/v1/streams/web/events`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(events),
    });
    expect(await posted.json()).toMatchObject({ accepted: 7, rejected: 0 });
    await untilReported(url, 'web', 3);
    await closeStream(url, 'web');
    expect(await allRows(url, 'scores', 'web')).toMatchObject([{ measures: { events: 3, sum: 3_600 } }]);
    expect(await fatesOf(url, 'web')).toMatchObject({ counted: 3, dead: 3, filtered: 1 });
    const { deadLetters } = await getJson<{ deadLetters: { code: string; reason: string }[] }>(
      `${url}/v1/dead-letters?stream=web`,
    );
    expect(
      deadLetters.map(({ code, reason }) => `${code}: ${reason.replace(/.* has failed: /, '')}`).sort(),
    ).toEqual([
      expect.stringContaining('STEP_FAILED: it returned the number 5; wanted is'),
      'STEP_FAILED: no answer within 500 ms',
      'STEP_FAILED: no score for this',
    ]);
  }, 240_000);

  it('that is missing keeps the process from starting: with the line that names it, and what would be right', async () => {
    const settings = { ...pipelineWith('./gone.mjs'), MILLRACE_DATA_DIR: join(folder, 'data') };
    const app = ClusterProcess.app('standalone', settings);
    const code = await app.ended;
    expect([code, app.lines.join('\n')]).toEqual([
      78,
      expect.stringMatching(
        /STEP_FILE_INVALID: .*own\.yaml:8:12 spec\.enrich\[0\]\.use: .*gone\.mjs can't be used as a step: a module that exports one class .*there is no such file/,
      ),
    ]);
  }, 240_000);
});
