import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { copyFileSync, mkdtempSync, readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Clock, isDeadEvent, type StreamEvent, SystemClock } from '#libs/kernel';
import type { MessageBroker } from '#libs/messaging';
import { Telemetry } from '#libs/observability';
import { parsePipeline } from '#libs/pipeline';
import { shippedSchemas } from '#libs/schema';
import type { KeyedRecords } from '#libs/storage';
import { ManualClock } from '#libs/testing';
import { ReloadedFile } from '../reloaded-file.js';
import { EventSteps, lineOf } from './event-steps.js';
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
  return await stepsWith(clock, ...enrich);
}

async function stepsWith(time: Clock, ...enrich: readonly string[]): Promise<EventSteps> {
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
    ...{ pipeline: 'p', visitorSecret: 's', clock: time, telemetry },
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
    ['::ffff:8.8.8.8', 'US'],
    ['127.0.0.1', undefined],
    ['fe80::1%eth0', undefined],
    ['example.com', undefined],
  ])('of %s is %s', async (clientIp, country) => {
    const steps = await stepsOf('geo: {from: clientIp}');
    expect(await dataAfter(steps, { clientIp })).toEqual(
      country === undefined ? { clientIp } : { clientIp, country },
    );
  });

  it('is no matter of what the sender says', async () => {
    const steps = await stepsOf('geo: {from: clientIp}');
    expect(await dataAfter(steps, { clientIp: '127.0.0.1', country: 5 })).toEqual({ clientIp: '127.0.0.1' });
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

  it('may answer the data anew', async () => {
    writeFileSync(
      join(folder, 'anew.mjs'),
      'export default ({ bytes, ...rest }) => ({ ...rest, size: bytes })',
    );
    const steps = await stepsOf('{use: anew.mjs, adds: {size: number}}');
    expect(await dataAfter(steps, { path: '/', bytes: 5 })).toEqual({ path: '/', size: 5 });
  });

  it.each([
    ['return 5;', 'it returned the number 5; wanted is nothing, the data as an object'],
    ['return null;', 'it returned null'],
    ['return [data];', 'it returned a list'],
    ['return Promise.resolve("x");', 'it returned a string'],
    ['data.score = "high";', 'it set score to a string, where score is a number'],
    ['data.score = 0 / 0;', 'it set score to the number NaN, where score is a number'],
    ['return { ...data, status: {} };', 'it set status to an object, where status is a number'],
    ['throw new RangeError("no");', 'bad.mjs has failed: no'],
  ])('that does this makes a dead letter of the event: %s', async (body, reason) => {
    writeFileSync(
      join(folder, 'bad.mjs'),
      `export function bad(data) { if (data.path === '/bad') { ${body} } }`,
    );
    const steps = await stepsOf('{use: ./bad.mjs, adds: {score: number}}');
    expect(await dataAfter(steps, { path: '/bad', status: 200 })).toMatchObject({
      code: 'STEP_FAILED',
      reason: expect.stringContaining(reason),
    });
    expect(await dataAfter(steps, { path: '/good' })).toEqual({ path: '/good' });
  });

  it.each(['data.big = 10n;', 'data.self = data;'])(
    'that adds what JSON has no word for makes a dead letter, its neighbours go on: %s',
    async (body) => {
      writeFileSync(
        join(folder, 'odd.mjs'),
        `export function odd(data) { if (data.path === '/bad') { ${body} } }`,
      );
      const steps = await stepsOf('use: ./odd.mjs');
      const lineAfter = async (path: string): Promise<unknown> =>
        JSON.parse(lineOf((await steps.run(event({ path }))) as StreamEvent));
      expect(await lineAfter('/bad')).toMatchObject({
        dead: { code: 'STEP_FAILED', original: '{"id":"1","time":5,"key":"k","data":{"path":"/bad"}}' },
      });
      expect(await lineAfter('/good')).toMatchObject({ data: { path: '/good' } });
    },
  );

  it('that makes an event larger than a message makes a dead letter', async () => {
    writeFileSync(
      join(folder, 'huge.mjs'),
      'export function huge(data) { data.text = "x".repeat(600 * 1024); }',
    );
    const steps = await stepsOf('use: ./huge.mjs');
    const line = lineOf((await steps.run(event({ path: '/' }))) as StreamEvent);
    expect(JSON.parse(line)).toMatchObject({ dead: { code: 'EVENT_TOO_LARGE' } });
  });

  it('that does not answer in time makes a dead letter, and costs no more than its timeout', async () => {
    writeFileSync(
      join(folder, 'slow.mjs'),
      'export async function slow(data) { if (data.path === "/slow") await new Promise(() => {}); }',
    );
    const own = new ManualClock();
    const steps = await stepsWith(own, '{use: ./slow.mjs, timeout: 2s}');
    const outcomes = Promise.all(['/slow', '/'].map((path) => dataAfter(steps, { path })));
    own.advance(2_000);
    expect(await outcomes).toMatchObject([
      { code: 'STEP_FAILED', reason: expect.stringContaining('no answer within 2000 ms') },
      { path: '/' },
    ]);
    expect(own.pendingTimers).toBe(0);
  });

  it.each([
    ['export class S { n = 0; apply(data) { data.n = ++this.n; } }', 'a step keeps no state'],
    ['export class S { seen = []; apply(data) { this.seen.push(data.path); } }', 'a step keeps no state'],
  ])('that writes to its object makes dead letters: it keeps no state: %s', async (source, reason) => {
    writeFileSync(join(folder, 'state.mjs'), source);
    const steps = await stepsOf('use: ./state.mjs');
    expect(await dataAfter(steps, { path: '/' })).toMatchObject({
      code: 'STEP_FAILED',
      reason: expect.stringContaining(reason),
    });
  });

  it.each([
    ['export const a = 1;', 'exports 0'],
    ['export function a() {} export function b() {}', 'exports 2'],
    ['this is no module', 'cannot|Unexpected|Missing'],
    ['export class A {}', 'its class A has no method apply'],
    [
      'export class A { constructor() { throw new Error("no base"); } apply() {} }',
      'its class A throws .* no base',
    ],
    ['export class A { apply(data, event, context) {} }', 'takes 3 parameters, .* publishes nothing'],
    ['export function a(data, event, options, context) {}', 'takes 4 parameters, .* keeps no state'],
    ['export class A { process(event, context) {} }', 'has process and no apply: .*docs/functions.md'],
  ])('that is none is refused at the start: %s', async (source, reason) => {
    writeFileSync(join(folder, 'bad.mjs'), source);
    const making = stepsOf('{use: ./bad.mjs}');
    await expect(making).rejects.toMatchObject({
      code: 'STEP_FILE_INVALID',
      message: expect.stringMatching(
        new RegExp(`p\\.yaml:7:13 .*enrich\\[0\\]\\.use: .*bad\\.mjs.*(${reason})`),
      ),
    });
  });

  it('that is missing is refused with its place and what would be right', async () => {
    await expect(stepsOf('use: ./gone.mjs')).rejects.toMatchObject({
      code: 'STEP_FILE_INVALID',
      message: expect.stringMatching(
        /p\.yaml:7:12 spec\.enrich\[0\]\.use: .*gone\.mjs can't be used as a step: a module .*: there is no such file/,
      ),
    });
    writeFileSync(join(folder, 'gone.mts'), '');
    await expect(stepsOf('use: ./gone.mjs')).rejects.toThrow(/there is only .*gone\.mts: compile it first/);
  });
});
