import { describe, expect, it } from '@jest/globals';
import type { Position } from '#libs/messaging';
import { Acknowledgements } from './acknowledgements.js';
import { TaskInterruptedError } from './functions.errors.js';

function upTo(entry: number): ReadonlyMap<string, Position> {
  return new Map([['t|0', [0, entry, 0, 0]]]);
}

/** A broker that answers when it is told to. */
class Inputs {
  readonly asked: number[] = [];
  #answer: { resolve(): void; reject(error: Error): void } = {
    resolve: () => undefined,
    reject: () => undefined,
  };

  async acknowledge(positions: ReadonlyMap<string, Position>): Promise<void> {
    this.asked.push(positions.get('t|0')![1]);
    await new Promise<void>((resolve, reject) => (this.#answer = { resolve, reject }));
  }

  async answer(error?: Error): Promise<void> {
    if (error === undefined) this.#answer.resolve();
    else this.#answer.reject(error);
    for (let i = 0; i < 20; i++) await Promise.resolve();
  }
}

describe('acknowledgements', () => {
  it('are made one after the other, the last of those that have come meanwhile', async () => {
    const inputs = new Inputs();
    const acknowledgements = new Acknowledgements(inputs, new AbortController().signal);
    for (const entry of [1, 2, 3]) acknowledgements.upTo(upTo(entry));
    expect(inputs.asked).toEqual([1]);
    await inputs.answer();
    expect(inputs.asked).toEqual([1, 3]);
    await inputs.answer();
    await acknowledgements.done();
    acknowledgements.upTo(upTo(4));
    expect(inputs.asked).toEqual([1, 3, 4]);
  });

  it('that fail end the run at its next look', async () => {
    const inputs = new Inputs();
    const acknowledgements = new Acknowledgements(inputs, new AbortController().signal);
    acknowledgements.upTo(upTo(1));
    acknowledgements.check();
    await inputs.answer(new RangeError('no'));
    await acknowledgements.done();
    expect(() => acknowledgements.check()).toThrow('no');
  });

  it('are not waited for when memory is void', async () => {
    const abort = new AbortController();
    const acknowledgements = new Acknowledgements(new Inputs(), abort.signal);
    acknowledgements.upTo(upTo(1));
    abort.abort();
    await acknowledgements.done();
    expect(() => acknowledgements.check()).toThrow(TaskInterruptedError);
  });
});
