import type { ServerResponse } from 'node:http';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { ManualClock } from '#libs/testing';
import { whileDraining } from './absent-app.js';
import { FrontDoor } from './front-door.js';

describe('the front door', () => {
  let clock: ManualClock;
  let door: FrontDoor;
  let url: string;
  /** What the app was asked and has not answered. */
  let asked: ServerResponse[];
  let onAsked: () => void;

  beforeEach(async () => {
    clock = new ManualClock();
    asked = [];
    onAsked = () => undefined;
    door = new FrontDoor(clock, (_request, response) => {
      response.writeHead(503).end('not yet');
      return true;
    });
    url = await door.listen(0, '127.0.0.1');
    door.serverFor((_request, response) => {
      asked.push(response);
      onAsked();
    });
  });
  afterEach(() => door.server.closeAllConnections());

  async function ask(path = '/'): Promise<string> {
    const response = await fetch(`${url}${path}`);
    return `${response.status} ${await response.text()}`;
  }

  /** The answer, to come, once the app has the request. */
  async function begun(): Promise<{ readonly answer: Promise<string> }> {
    const has = new Promise<void>((done) => (onAsked = done));
    const answer = ask().catch(() => 'cut off');
    await has;
    return { answer };
  }

  it('answers by itself until the app is let in, at one address', async () => {
    expect(await ask()).toBe('503 not yet');
    door.answerWith(() => false);
    const { answer } = await begun();
    asked[0]?.end('here');
    expect(await answer).toBe('200 here');
    await door.close();
  });

  it('takes nothing new in while it drains, and says so to probes', async () => {
    door.answerWith(() => false);
    const { answer } = await begun();
    door.answerWith(whileDraining);
    expect(await ask('/health/ready')).toMatch(/^503 .*"state":"draining"/);
    expect(await ask('/v1/streams/web/logs')).toMatch(/^503 .*APP_NOT_READY/);
    const live = ask('/health/live');
    await new Promise<void>((done) => (onAsked = done));
    asked[1]?.end('alive');
    expect(await live).toBe('200 alive');
    asked[0]?.end('stored');
    expect(await answer).toBe('200 stored');
    await door.close();
  });

  it('closes when what has begun has ended', async () => {
    door.answerWith(() => false);
    const { answer } = await begun();
    let isClosed = false;
    const closing = door.close().then(() => (isClosed = true));
    await expect(ask()).rejects.toThrow();
    expect(isClosed).toBe(false);
    asked[0]?.end('stored');
    expect(await answer).toBe('200 stored');
    await closing;
  });

  it('cuts off after 5 s what does not end', async () => {
    door.answerWith(() => false);
    const { answer } = await begun();
    const closing = door.close();
    clock.advance(4_999);
    expect(door.server.listening).toBe(false);
    const still = Symbol('still open');
    expect(await Promise.race([answer, Promise.resolve(still)])).toBe(still);
    clock.advance(1);
    expect(await answer).toBe('cut off');
    await closing;
  });

  it('stays open where an app is closed before the next attempt', async () => {
    await door.staysOpen(() => door.close());
    expect(await ask()).toBe('503 not yet');
    await door.close();
    await expect(ask()).rejects.toThrow();
  });

  it('says which port is taken, and how to have another', async () => {
    const second = new FrontDoor(clock, () => true);
    const port = Number(new URL(url).port);
    await expect(second.listen(port, '127.0.0.1')).rejects.toMatchObject({
      code: 'PORT_BUSY',
      message: expect.stringContaining('MILLRACE_PORT'),
    });
    await door.close();
  });

  it.each([
    ['192.0.2.1', 'this machine has no such address'],
    ['no-such-host.invalid', 'MILLRACE_HOST'],
  ])('says that nobody can listen at %s', async (host, reason) => {
    const second = new FrontDoor(clock, () => true);
    await expect(second.listen(0, host)).rejects.toMatchObject({
      code: 'LISTEN_FAILED',
      message: expect.stringContaining(reason),
    });
    await door.close();
  });
});
