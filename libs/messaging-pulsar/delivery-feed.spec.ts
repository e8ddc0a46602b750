import { describe, expect, test } from '@jest/globals';
import { SystemClock } from '#libs/kernel';
import type { Delivery, ReceiveOptions } from '#libs/messaging';
import { DeliveryFeed } from './delivery-feed.js';

const OPTIONS: ReceiveOptions = { maxMessages: 10, maxBytes: 1_000_000, waitMs: 60_000 };

function delivery(entryId: number, payloadBytes = 1): Delivery {
  return {
    topic: 't',
    partition: 0,
    position: [1, entryId, 0, 0],
    payload: new Uint8Array(payloadBytes),
    publishTimeMs: 0,
    properties: {},
  };
}

/** A source that gives what it is told, and counts how often it was asked. */
class Source {
  asked = 0;
  readonly #waiting: ((delivery: Delivery | Error) => void)[] = [];
  readonly #there: Delivery[] = [];

  readonly next = async (): Promise<Delivery | undefined> => {
    this.asked += 1;
    const there = this.#there.shift();
    if (there !== undefined) return there;
    const given = await new Promise<Delivery | Error>((resolve) => this.#waiting.push(resolve));
    if (given instanceof Error) throw given;
    return given;
  };

  put(...deliveries: readonly Delivery[]): void {
    for (const each of deliveries) {
      const waiting = this.#waiting.shift();
      if (waiting === undefined) this.#there.push(each);
      else waiting(each);
    }
  }

  fail(error: Error): void {
    this.#waiting.shift()?.(error);
  }
}

function feedOf(source: Source): DeliveryFeed {
  return new DeliveryFeed(source.next, new SystemClock());
}

describe('a feed', () => {
  test('asks for nothing before somebody receives', async () => {
    const source = new Source();
    const feed = feedOf(source);
    expect(source.asked).toBe(0);
    expect(await feed.receive({ ...OPTIONS, waitMs: 0 })).toEqual([]);
    expect(source.asked).toBe(1);
  });

  test('asks for the next only when the last has come', async () => {
    const source = new Source();
    const feed = feedOf(source);
    const waiting = feed.receive(OPTIONS);
    expect(source.asked).toBe(1);
    source.put(delivery(0));
    expect(await waiting).toHaveLength(1);
    expect(source.asked).toBe(2);
  });

  test('stops drawing when it holds enough, by messages and by bytes, and goes on when it is emptied', async () => {
    for (const [payloadBytes, held] of [
      [1, 200],
      [1_000_000, 4],
    ] as const) {
      const source = new Source();
      const feed = feedOf(source);
      source.put(...Array.from({ length: 500 }, (_, i) => delivery(i, payloadBytes)));
      const first = await feed.receive({ ...OPTIONS, maxMessages: 1 });
      expect(first).toHaveLength(1);
      await new Promise((resolve) => setImmediate(resolve));
      expect(source.asked).toBeLessThanOrEqual(held + 1);
      let received = first.length;
      while (received < 500) {
        received += (await feed.receive({ ...OPTIONS, maxMessages: 50, maxBytes: 50_000_000 })).length;
      }
      expect(received).toBe(500);
    }
  });

  test('hands out what is ready before it tells of a failure', async () => {
    const source = new Source();
    const feed = feedOf(source);
    const waiting = feed.receive(OPTIONS);
    source.put(delivery(0));
    expect(await waiting).toHaveLength(1);
    const next = feed.receive(OPTIONS);
    source.fail(new Error('gone'));
    await expect(next).rejects.toThrow('gone');
    await expect(feed.receive(OPTIONS)).rejects.toThrow('gone');
  });

  test('whoever waits comes back empty when it is abandoned', async () => {
    const feed = feedOf(new Source());
    const waiting = feed.receive(OPTIONS);
    feed.abandon();
    expect(await waiting).toEqual([]);
  });
});
