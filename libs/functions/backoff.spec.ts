import { describe, expect, it, test } from '@jest/globals';
import { PlatformError, type RetryAdvice } from '#libs/kernel';
import { ClosedError } from '#libs/messaging';
import { DeliveryFencedError } from '#libs/storage';
import { isWorthRejoining, pauseMs, REJOIN_BACKOFF } from './backoff.js';

class AdvisedError extends PlatformError {
  readonly code = 'ADVISED';
  constructor(readonly retry: RetryAdvice) {
    super('for the test');
  }
}

describe('a task that has ended with an error', () => {
  const fenced = new DeliveryFencedError(
    'web/global/0',
    { incarnation: 0, epoch: 1, commitSeq: 7 },
    'a later owner',
  );

  test.each<[string, unknown, boolean]>([
    ['an error that says backoff', new AdvisedError('backoff'), true],
    ['an error that says never', new AdvisedError('never'), false],
    ['something unknown', new Error('broken'), true],
    ['what was closed under it', new ClosedError('the consumer'), true],
    ['a delivery that a later owner had made', fenced, true],
  ])('%s', (_what, error, isWorth) => {
    expect(isWorthRejoining(error)).toBe(isWorth);
  });

  it('begins anew within a second at first, and at least every 10 s', () => {
    const pauses = [0, 1, 2, 3, 50].map((attempt) => pauseMs(REJOIN_BACKOFF, attempt, () => 1));
    expect(pauses).toEqual([100, 200, 400, 800, 10_000]);
  });
});
