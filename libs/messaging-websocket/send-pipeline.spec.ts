import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import type { SendReceipt } from '#libs/messaging';
import { SendPipeline } from './send-pipeline.js';

type Outcome = 'waiting' | 'stored' | 'duplicate' | 'failed';

class Trial {
  readonly pipeline = new SendPipeline();
  readonly sent: string[] = [];
  readonly outcomes: Outcome[] = [];
  readonly settled: number[] = [];

  add(sequenceId: number | undefined): void {
    const index = this.outcomes.push('waiting') - 1;
    const settle = (outcome: Outcome): void => {
      this.outcomes[index] = outcome;
      this.settled.push(index);
    };
    this.pipeline.add({
      text: `text ${index}`,
      context: String(index),
      sequenceId,
      deadlineMs: index,
      resolve: ({ duplicate }: SendReceipt) => settle(duplicate ? 'duplicate' : 'stored'),
      reject: () => settle('failed'),
    });
  }

  pump(): void {
    this.pipeline.pump(({ text }) => this.sent.push(text) > 0);
  }
}

const NUMBER = fc.option(fc.nat({ max: 20 }), { nil: undefined });

describe('what is sent', () => {
  it('goes out in the order of the calls and is answered in it, each number once', () => {
    fc.assert(
      fc.property(fc.array(NUMBER, { maxLength: 60 }), fc.func(fc.nat()), (numbers, order) => {
        const trial = new Trial();
        for (const number of numbers) trial.add(number);
        trial.pump();
        const expected = expectedOutcomes(numbers);
        expect(trial.sent).toEqual(
          numbers.flatMap((_, i) => (expected[i] === 'stored' ? [`text ${i}`] : [])),
        );
        // Answers may come in any order.
        const answers = trial.sent.map((text) => text.slice(5)).sort((a, b) => order(a) - order(b));
        for (const context of answers) trial.pipeline.stored(context, { duplicate: false });
        expect(trial.outcomes).toEqual(expected);
        expect(trial.settled).toEqual(numbers.map((_, i) => i));
        const last = Math.max(-1, ...numbers.filter((number) => number !== undefined));
        expect(trial.pipeline.lastSequenceId).toBe(last);
      }),
    );
  });

  it('waits while too much is under way', () => {
    const trial = new Trial();
    for (let i = 0; i < 300; i++) trial.add(i);
    trial.pump();
    expect(trial.sent).toHaveLength(256);
    expect(trial.pipeline.waitingBytes).toBeGreaterThan(0);
    trial.pipeline.stored('0', { duplicate: false });
    trial.pump();
    expect(trial.sent).toHaveLength(257);
  });

  it('fails as a whole, and may be sent again under its numbers', () => {
    const trial = new Trial();
    for (const number of [0, 1, 2]) trial.add(number);
    trial.pump();
    trial.pipeline.stored('0', { duplicate: false });
    trial.pipeline.failAll(new Error('lost'));
    expect(trial.outcomes).toEqual(['stored', 'failed', 'failed']);
    expect(trial.pipeline.isUnderWay).toBe(false);
    // The broker turns out to have stored the second one.
    trial.pipeline.learn(1);
    for (const number of [1, 2]) trial.add(number);
    trial.pump();
    trial.pipeline.stored('4', { duplicate: false });
    expect(trial.outcomes.slice(3)).toEqual(['duplicate', 'stored']);
  });

  it('answers a duplicate only when what it repeats is known to be stored', () => {
    const trial = new Trial();
    for (const number of [5, 5]) trial.add(number);
    trial.pump();
    expect(trial.outcomes).toEqual(['waiting', 'waiting']);
    trial.pipeline.stored('0', { duplicate: false });
    expect(trial.outcomes).toEqual(['stored', 'duplicate']);
  });
});

function expectedOutcomes(numbers: readonly (number | undefined)[]): Outcome[] {
  let last = -1;
  return numbers.map((number) => {
    if (number === undefined) return 'stored';
    if (number <= last) return 'duplicate';
    last = number;
    return 'stored';
  });
}
