import { describe, expect, it } from '@jest/globals';
import { ManualClock } from '#libs/testing';
import { PacedLook } from './paced-look.js';

class World {
  readonly clock = new ManualClock(0);
  readonly looks: number[] = [];
  tookMs = 0;
  fails = false;
  readonly #stop = new AbortController();
  readonly paced = new PacedLook(
    this.clock,
    async () => {
      this.looks.push(this.clock.monotonicMs());
      if (this.tookMs > 0) await this.clock.sleep(this.tookMs);
      if (this.fails) throw new Error('the store is away');
    },
    this.#stop.signal,
  );

  /** In steps, so that what wakes may sleep again. */
  async pass(ms: number): Promise<void> {
    for (let passed = 0; passed < ms; passed += 10) {
      await this.settle();
      this.clock.advance(10);
    }
    await this.settle();
  }

  async settle(): Promise<void> {
    for (let i = 0; i < 20; i++) await Promise.resolve();
  }

  end(): void {
    this.#stop.abort();
  }
}

describe('a look that is paced', () => {
  it('is taken at once, and once more behind the last of many requests', async () => {
    const world = new World();
    const at = world.clock.monotonicMs();
    for (let i = 0; i < 100; i++) world.paced.request();
    await world.pass(2_000);
    world.paced.request();
    await world.settle();
    world.end();
    expect(world.looks.map((ms) => ms - at)).toEqual([0, 250, 2_000]);
  });

  it('takes a twentieth of the time at most, however often it is asked for', async () => {
    const world = new World();
    world.tookMs = 100;
    for (let i = 0; i < 1_000; i++) {
      world.paced.request();
      await world.pass(10);
    }
    world.end();
    expect(world.looks).toHaveLength(5);
  });

  it('goes on when it fails, and ends when it is told to', async () => {
    const world = new World();
    world.fails = true;
    world.paced.request();
    await world.pass(300);
    world.paced.request();
    await world.pass(10);
    expect(world.looks).toHaveLength(2);
    world.end();
    await world.pass(300);
    world.paced.request();
    await world.pass(300);
    expect(world.looks).toHaveLength(2);
  });
});
