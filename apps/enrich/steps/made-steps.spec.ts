import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { copyFileSync, mkdtempSync, readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isDeadEvent, type StreamEvent, SystemClock } from '#libs/kernel';
import type { MessageBroker } from '#libs/messaging';
import { Telemetry } from '#libs/observability';
import { parsePipeline } from '#libs/pipeline';
import { shippedSchemas } from '#libs/schema';
import type { KeyedRecords } from '#libs/storage';
import { ReloadedFile } from '../reloaded-file.js';
import { EventSteps } from './event-steps.js';
import { AddressBook, shippedDatabase } from './geo.step.js';
import { makeSteps } from './make-steps.js';

// The steps as a pipeline file names them, over real files.

let folder: string;
const telemetry = new Telemetry({ logLevel: 'silent' });
const clock = new SystemClock();

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'millrace-steps-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

async function stepsOf(...enrich: readonly string[]): Promise<EventSteps> {
  const text = [
    ...[
      'apiVersion: millrace/v1',
      'kind: Pipeline',
      'metadata: {name: p}',
      'spec:',
      '  event: web-request@1',
    ],
    ...['  enrich:', ...enrich.map((step) => `    - ${step}`)],
  ].join('\n');
  const source = { file: join(folder, 'p.yaml'), text, include: () => undefined };
  const pipeline = parsePipeline(source, { schemas: shippedSchemas() });
  const resources = {
    ...{ pipeline: 'p', visitorSecret: 's', clock, telemetry },
    ...{ broker: {} as MessageBroker, records: {} as KeyedRecords },
  };
  return new EventSteps((await makeSteps(pipeline.enrich, resources)).steps);
}

function event(data: object, id = '1'): StreamEvent {
  return { id, stream: 'web', timeMs: 5, receivedMs: 6, key: 'k', type: 'web-request@1', data: { ...data } };
}

async function dataAfter(steps: EventSteps, data: object): Promise<unknown> {
  const enriched = await steps.run(event(data));
  if ('filteredFrom' in enriched) return 'filtered';
  return isDeadEvent(enriched) ? enriched.dead : enriched.data;
}

describe('geo', () => {
  it.each([
    ['8.8.8.8', 'US'],
    ['2001:4860:4860::8888', 'US'],
    ['194.0.0.53', expect.stringMatching(/^[A-Z]{2}$/)],
    ['127.0.0.1', undefined],
    ['fe80::1%eth0', undefined],
    ['example.com', undefined],
  ])('of %s is %s', async (clientIp, country) => {
    const steps = await stepsOf('geo: {from: clientIp}');
    expect(await dataAfter(steps, { clientIp })).toEqual(
      country === undefined ? { clientIp } : { clientIp, country },
    );
  });

  it('takes fields of any other database', async () => {
    copyFileSync(shippedDatabase(), join(folder, 'own.mmdb'));
    const steps = await stepsOf(
      'geo: {from: clientIp, database: ./own.mmdb, select: {land: country_code, city: a.b}}',
    );
    expect(await dataAfter(steps, { clientIp: '8.8.8.8' })).toEqual({ clientIp: '8.8.8.8', land: 'US' });
  });

  it('does not start with a database that is none', async () => {
    writeFileSync(join(folder, 'own.mmdb'), 'x'.repeat(1_000));
    const making = stepsOf('geo: {from: clientIp, database: own.mmdb, select: {a: b}}');
    await expect(making).rejects.toMatchObject({ code: 'STEP_FILE_INVALID' });
  });
});

describe('a file of a step', () => {
  it('is read again when it has changed, and serves on while it is broken', async () => {
    const path = join(folder, 'a.txt');
    let version = 0;
    const write = (text: string): void => {
      writeFileSync(path, text);
      utimesSync(path, 1_000, 1_000 + version++);
    };
    write('one');
    const read = (bytes: Buffer): string => {
      if (bytes.toString() === 'broken') throw new Error('it is broken');
      return bytes.toString();
    };
    const file = await ReloadedFile.open({ path, wanted: 'a text', read, clock, telemetry });
    expect(file.current).toBe('one');
    write('two');
    await file.look();
    expect(file.current).toBe('two');
    write('broken');
    await file.look();
    rmSync(path);
    await file.look();
    expect(file.current).toBe('two');
    write('four');
    await file.look();
    expect(file.current).toBe('four');
  });

  it('may be the database of addresses', async () => {
    const path = join(folder, 'own.mmdb');
    copyFileSync(shippedDatabase(), path);
    const read = (bytes: Buffer): AddressBook => new AddressBook(bytes);
    const file = await ReloadedFile.open({ path, wanted: 'addresses', read, clock, telemetry });
    const before = file.current;
    writeFileSync(path, Buffer.concat([readFileSync(path)]));
    utimesSync(path, 1, 1);
    await file.look();
    expect(file.current).not.toBe(before);
    expect(file.current.find('8.8.8.8')).toEqual({ country_code: 'US' });
  });
});

describe('rename, drop, derive and filter', () => {
  it('change fields, and what stands behind them is checked against the new ones', async () => {
    const steps = await stepsOf(
      'rename: {path: page, method: path}',
      'derive: {isSlow: durationMs > 1000, seconds: durationMs / 1000, label: \'path + " " + page\', share: bytes / 0}',
      'drop: {fields: [bytes]}',
      'filter: {where: \'page != "/health"\'}',
    );
    const data = { method: 'GET', path: '/a', durationMs: 1_500, bytes: 5 };
    expect(await dataAfter(steps, data)).toEqual({
      ...{ path: 'GET', page: '/a', durationMs: 1_500, isSlow: true, seconds: 1.5, label: 'GET /a' },
    });
    expect(await dataAfter(steps, { method: 'GET', path: '/health' })).toBe('filtered');
    expect(await dataAfter(steps, { method: 'GET', path: '/b' })).toEqual({
      path: 'GET',
      page: '/b',
      label: 'GET /b',
    });
  });
});

describe("a step of the user's own", () => {
  it('may be a class, with options', async () => {
    writeFileSync(
      join(folder, 'score.mjs'),
      'export class Score { constructor(o) { this.o = o; } apply(data, { timeMs }) { data.score = this.o.base + timeMs; } }',
    );
    const steps = await stepsOf(
      '{use: ./score.mjs, with: {base: 10}, adds: {score: number}}',
      "filter: {where: 'score > 1'}",
    );
    expect(await dataAfter(steps, { path: '/' })).toEqual({ path: '/', score: 15 });
  });

  it('may be a function that waits, ends events and makes dead ones', async () => {
    writeFileSync(
      join(folder, 'judge.mjs'),
      `export async function judge(data) {
        await null;
        if (data.path === '/bad') throw new Error('no good');
        return data.path !== '/none';
      }`,
    );
    const steps = await stepsOf('{use: judge.mjs}', 'derive: {seen: "1"}');
    expect(await dataAfter(steps, { path: '/' })).toEqual({ path: '/', seen: 1 });
    expect(await dataAfter(steps, { path: '/none' })).toBe('filtered');
    expect(await dataAfter(steps, { path: '/bad' })).toMatchObject({
      code: 'STEP_FAILED',
      reason: expect.stringContaining('judge.mjs has failed: no good'),
      stage: 'enrich',
      original: '{"id":"1","time":5,"key":"k","data":{"path":"/bad"}}',
    });
  });

  it.each([
    ['export const a = 1;', 'exports 0'],
    ['export function a() {} export function b() {}', 'exports 2'],
    ['this is no module', 'cannot|Unexpected|Missing'],
  ])('that is none is refused at the start: %s', async (source, reason) => {
    writeFileSync(join(folder, 'bad.mjs'), source);
    const making = stepsOf('{use: ./bad.mjs}');
    await expect(making).rejects.toMatchObject({
      code: 'STEP_FILE_INVALID',
      message: expect.stringMatching(reason),
    });
  });
});
