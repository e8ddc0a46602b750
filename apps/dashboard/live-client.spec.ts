import { describe, expect, it } from '@jest/globals';
import { ManualClock } from '#libs/testing';
import { LiveClient, type LiveSocket } from './live-client.js';
import { eventText, LiveRing } from './live-ring.js';

/** A socket whose buffer is full when the test says so. */
class FakeSocket implements LiveSocket {
  readonly written: string[] = [];
  isFull = false;
  isDestroyed = false;
  #listeners: { event: string; listener: () => void }[] = [];

  write(text: string): boolean {
    this.written.push(text);
    return !this.isFull;
  }

  end(): void {
    this.emit('close');
  }

  destroy(): void {
    this.isDestroyed = true;
  }

  on(event: 'drain' | 'close', listener: () => void): void {
    this.#listeners.push({ event, listener });
  }

  emit(event: 'drain' | 'close'): void {
    if (event === 'drain') this.isFull = false;
    for (const one of this.#listeners) if (one.event === event) one.listener();
  }

  get ids(): number[] {
    return this.written.map((text) => Number(/^id: (\d+)/.exec(text)?.[1]));
  }
}

function listening({ knownId, maxEntries = 10 }: { knownId?: number; maxEntries?: number } = {}) {
  const clock = new ManualClock(1);
  const ring = new LiveRing(clock.nowMs(), { maxEntries });
  const socket = new FakeSocket();
  const snapshot = (id: number): Promise<string> => Promise.resolve(eventText(id, 'snapshot', {}));
  const client = new LiveClient({
    socket,
    ring,
    clock,
    stream: 'web',
    snapshot,
    ...(knownId === undefined ? {} : { knownId }),
  });
  const publish = (count: number, stream?: string): void => {
    for (let i = 0; i < count; i++) {
      ring.add('points', {}, stream);
      client.pump();
    }
  };
  return { clock, ring, socket, client, publish };
}

describe('a listener', () => {
  it('gets a snapshot first, then what happened since it was taken', async () => {
    const { client, publish, socket } = listening();
    client.pump();
    publish(2);
    await Promise.resolve();
    await Promise.resolve();
    expect(socket.ids).toEqual([1_000, 1_001, 1_002]);
    expect(socket.written[0]).toContain('event: snapshot');
  });

  it('that comes back goes on after the last event it has seen', () => {
    const { client, publish, socket, ring } = listening({ knownId: 1_000 });
    ring.add('points', {});
    client.pump();
    publish(1);
    expect(socket.ids).toEqual([1_001, 1_002]);
  });

  it('gets only what concerns its stream', () => {
    const { publish, socket } = listening({ knownId: 1_000 });
    publish(1, 'other');
    publish(1, 'web');
    publish(1);
    expect(socket.ids).toEqual([1_002, 1_003]);
  });

  it('that is slow is left alone until it has caught up, and misses nothing that is still there', () => {
    const { publish, socket } = listening({ knownId: 1_000 });
    socket.isFull = true;
    publish(5);
    expect(socket.ids).toEqual([1_001]);
    socket.emit('drain');
    expect(socket.ids).toEqual([1_001, 1_002, 1_003, 1_004, 1_005]);
  });

  it('that is so slow that the ring has moved on starts over with a snapshot', async () => {
    const { publish, socket } = listening({ knownId: 1_000, maxEntries: 3 });
    socket.isFull = true;
    publish(20);
    socket.emit('drain');
    await Promise.resolve();
    expect(socket.ids).toEqual([1_001, 1_020]);
    expect(socket.written[1]).toContain('event: snapshot');
  });

  it('that takes nothing for half a minute is cut off', () => {
    const { clock, publish, socket, client } = listening({ knownId: 1_000 });
    socket.isFull = true;
    publish(1);
    clock.advance(30_000);
    publish(1);
    expect(socket.isDestroyed).toBe(false);
    clock.advance(1);
    publish(1);
    expect(socket.isDestroyed).toBe(true);
    expect(client.isClosed).toBe(true);
  });
});

describe('the ring', () => {
  it('keeps the latest events, by number and by size', () => {
    const few = new LiveRing(0, { maxEntries: 2 });
    for (let i = 0; i < 5; i++) few.add('points', {});
    expect([few.get(3), few.get(4)?.id, few.get(5)?.id]).toEqual([undefined, 4, 5]);
    const small = new LiveRing(0, { maxCharacters: 100 });
    for (let i = 0; i < 5; i++) small.add('points', { text: 'x'.repeat(40) });
    expect([small.get(4), small.get(5)?.id]).toEqual([undefined, 5]);
  });

  it('knows how far back it reaches, and that ids of another process are not its own', () => {
    const ring = new LiveRing(1, { maxEntries: 2 });
    for (let i = 0; i < 5; i++) ring.add('points', {});
    expect([1_002, 1_003, 1_005, 1_006, 1, Number.NaN].map((id) => ring.reachesBackTo(id))).toEqual([
      false,
      true,
      true,
      false,
      false,
      false,
    ]);
  });
});
