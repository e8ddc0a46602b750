import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { request } from 'node:http';
import { pipeline } from 'node:stream/promises';
import { Readable } from 'node:stream';
import { isDeadEvent } from '#libs/kernel';
import { IngestFixture } from './fixture/ingest-fixture.js';
import type { IntakeReceipt } from './intake-request.js';

// A log that is far larger than what ingest holds of a body at once, over a real connection. `npm run bench -- ingest` does the
// same with a million lines, and states the memory.

const LINES = 50_000;
const LINES_PER_CHUNK = 250;
const BROKEN_EVERY = 1_000;
const LONG_LINE = 12_345;
const KEY = 'log-1';

let ingest: IngestFixture;

beforeEach(async () => {
  ingest = await IngestFixture.start();
  await ingest.app.listen(0, '127.0.0.1');
});

afterEach(async () => {
  await ingest.stop();
});

describe('a log of 50,000 lines as one streamed body', () => {
  it('is answered once all of it is stored, each line once: as an event, or as a dead letter by its number', async () => {
    const receipt = await post();
    const dead = Array.from({ length: LINES / BROKEN_EVERY }, (_, n) => (n + 1) * BROKEN_EVERY);
    const rejected = [...dead, LONG_LINE].sort((a, b) => a - b);
    expect(receipt).toMatchObject({ duplicates: 0, rejected: rejected.length, errorsTruncated: false });
    expect(receipt.accepted + receipt.rejected).toBe(LINES);
    expect(receipt.errors.map(({ line, code }) => [line, code])).toEqual(
      rejected.map((line) => [line, line === LONG_LINE ? 'LINE_TOO_LONG' : 'LINE_UNPARSABLE']),
    );
    const items = await ingest.items();
    const ids = items.map(({ id }) => Number(id.slice(KEY.length + 1))).sort((a, b) => a - b);
    expect(ids).toEqual(Array.from({ length: LINES }, (_, n) => n + 1));
    const lines = items.filter(isDeadEvent).map((item) => item.dead.line ?? 0);
    expect(lines.sort((a, b) => a - b)).toEqual(rejected);
    const paths = items.flatMap((item) => (isDeadEvent(item) ? [] : [(item.data as { path: string }).path]));
    expect(new Set(paths).size).toBe(LINES - rejected.length);
  }, 300_000);
});

async function post(): Promise<IntakeReceipt> {
  const url = `${await ingest.app.getUrl()}/v1/streams/web/logs`;
  const answer = new Promise<string>((resolve, reject) => {
    const headers = { 'idempotency-key': KEY };
    const sent = request(url, { method: 'POST', headers }, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.once('end', () => resolve(Buffer.concat(chunks).toString()));
    });
    pipeline(Readable.from(chunksOfLines()), sent).catch(reject);
  });
  return JSON.parse(await answer) as IntakeReceipt;
}

/** Chunks end in the middle of a line. */
function* chunksOfLines(): Generator<Buffer> {
  let rest = '';
  for (let from = 1; from <= LINES; from += LINES_PER_CHUNK) {
    const lines = Array.from({ length: LINES_PER_CHUNK }, (_, n) => lineOf(from + n));
    const text = `${rest}${lines.join('\n')}\n`;
    rest = text.slice(-7);
    yield Buffer.from(text.slice(0, -7));
  }
  yield Buffer.from(rest);
}

function lineOf(number: number): string {
  if (number % BROKEN_EVERY === 0) return `broken line ${number}`;
  const line = `203.0.113.${number % 250} - - [10/Oct/2026:13:55:36 +0000] "GET /p/${number} HTTP/1.1" 200 77 "-" "load"`;
  return number === LONG_LINE ? line.replace('load', 'x'.repeat(300_000)) : line;
}
