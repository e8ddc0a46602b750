import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { FunctionTestDriver, type GivenEvent } from '#libs/testing';
import { defineFunction, type FunctionDefinition } from './function-definition.js';
import { RefuseEventError, RetryLaterError, SkipEventError, StopFunctionError } from './function.errors.js';

interface Job {
  readonly key: string;
  readonly n: number;
}
type Told = readonly [key: string, n: number, count: number];

function jobs(...pairs: readonly (readonly [key: string, n: number])[]): GivenEvent<Job>[] {
  return pairs.map(([key, n]) => ({ timeMs: n, receivedMs: n, data: { key, n } }));
}

/** Counts the jobs of each key, after `work` has been done on them. */
function counting(
  work: (job: Job, attempt: number, signal: AbortSignal) => unknown,
  rest: Partial<FunctionDefinition<Job, Told>> = {},
): FunctionDefinition<Job, Told> {
  return defineFunction<Job, Told>({
    name: 'counting',
    input: 'jobs.enriched',
    output: 'jobs.done',
    by: ({ data }) => data.key,
    process({ data }, { state, attempt, signal }) {
      const count = state.value<number>('count');
      count.set((count.get() ?? 0) + 1);
      const told = [data.key, data.n, count.get() ?? 0] as const;
      const working = work(data, attempt, signal);
      return working instanceof Promise ? working.then(() => told) : told;
    },
    ...rest,
  });
}

describe('a handler that throws', () => {
  it('is tried again three times; then the event is a dead letter, and has changed nothing', async () => {
    const attempts: number[] = [];
    const driver = new FunctionTestDriver(
      counting(({ n }, attempt) => {
        if (n !== 2) return;
        attempts.push(attempt);
        throw new TypeError('two is broken');
      }),
    );
    await driver.give(...jobs(['a', 1], ['a', 2], ['a', 3], ['b', 4]));
    expect(attempts).toEqual([1, 2, 3, 4]);
    expect(driver.outputs()).toEqual([
      ['a', 1, 1],
      ['a', 3, 2],
      ['b', 4, 1],
    ]);
    expect(driver.deadLetters()).toEqual([
      expect.objectContaining({
        eventId: 'counting/given-2',
        code: 'FUNCTION_FAILED',
        reason: 'two is broken',
        stage: 'counting',
        attempts: 4,
        topic: 'jobs.enriched',
        partition: 0,
        position: [0, 0, 0, 0],
        stack: expect.stringContaining('TypeError: two is broken'),
        original: expect.stringContaining('"n":2'),
      }),
    ]);
    expect(driver.messages('jobs.dead')).toHaveLength(1);
  });

  it.each([
    ['refuses', new RefuseEventError('no'), 1],
    ['skips', new SkipEventError('never mind'), 0],
  ])('%s an event at once where it says so', async (_what, error, letters) => {
    const attempts: number[] = [];
    const driver = new FunctionTestDriver(
      counting(({ n }, attempt) => {
        if (n !== 1) return;
        attempts.push(attempt);
        throw error;
      }),
    );
    await driver.give(...jobs(['a', 1], ['a', 2]));
    expect(attempts).toEqual([1]);
    expect(driver.outputs()).toEqual([['a', 2, 1]]);
    expect(driver.deadLetters()).toHaveLength(letters);
  });

  it('stops the task where it says so, and nothing of the message is kept', async () => {
    const driver = new FunctionTestDriver(
      counting(({ n }) => {
        if (n === 2) throw new StopFunctionError('the world is upside down');
      }),
    );
    await expect(driver.give(...jobs(['a', 1], ['a', 2]))).rejects.toThrow('upside down');
    expect(driver.outputs()).toEqual([]);
    expect(driver.state('a')).toEqual({});
  });

  it('is dealt with as the rules of the function say', async () => {
    const driver = new FunctionTestDriver(
      counting(
        ({ n }) => {
          if (n === 1) throw new RangeError('one');
          if (n === 2) throw new SyntaxError('two');
        },
        {
          failures: (error) =>
            error instanceof RangeError
              ? { kind: 'skip' }
              : error instanceof SyntaxError
                ? { kind: 'retry', retries: 1 }
                : undefined,
        },
      ),
    );
    await driver.give(...jobs(['a', 1], ['a', 2], ['a', 3]));
    expect(driver.outputs()).toEqual([['a', 3, 1]]);
    expect(driver.deadLetters().map(({ attempts }) => attempts)).toEqual([2]);
  });

  it('keeps secrets out of dead letters', async () => {
    const definition = defineFunction<Job>({
      name: 'leaky',
      input: 'jobs.enriched',
      secrets: ['TOKEN'],
      process: (_event, context) => {
        throw new Error(`401 for ${context.secret('TOKEN').reveal()}`);
      },
    });
    const driver = new FunctionTestDriver(definition, { secrets: { TOKEN: 'very-secret' } });
    await driver.give(...jobs(['a', 1]));
    expect(JSON.stringify(driver.deadLetters())).not.toContain('very-secret');
    expect(driver.deadLetters()[0]).toMatchObject({ reason: '401 for ***' });
  });

  it('in `by` makes a dead letter', async () => {
    const driver = new FunctionTestDriver(
      counting(() => undefined, {
        by: ({ data }) => {
          if (data.n === 1) throw new Error('no key');
          return data.key;
        },
      }),
    );
    await driver.give(...jobs(['a', 1], ['a', 2]));
    expect(driver.outputs()).toEqual([['a', 2, 1]]);
    expect(driver.deadLetters()[0]).toMatchObject({ reason: 'no key', attempts: 1 });
  });

  it('with too much state says so, and the state is as it was', async () => {
    const driver = new FunctionTestDriver(
      defineFunction<Job>({
        name: 'greedy',
        input: 'jobs.enriched',
        maxStateBytes: 100,
        by: ({ data }) => data.key,
        process: ({ data }, { state }) => state.value<string>('text').set('x'.repeat(data.n)),
      }),
    );
    await driver.give(...jobs(['a', 50], ['b', 60], ['a', 1], ['b', 60]));
    expect(driver.deadLetters().map(({ code }) => code)).toEqual(['FUNCTION_STATE_TOO_LARGE']);
    expect(driver.state('b')).toEqual({ text: 'x'.repeat(60) });
  });
});

describe('a key that has to wait', () => {
  let isDown = true;
  const away = counting(
    ({ key }) => {
      if (isDown && key === 'a') throw new RetryLaterError('the account service is away');
    },
    { parkFor: '1m', maxParkedEvents: 3 },
  );

  it('is parked with what follows, while its neighbours go on; then all of it is done in order', async () => {
    isDown = true;
    const driver = new FunctionTestDriver(away);
    await driver.give(...jobs(['a', 1], ['b', 2], ['a', 3], ['b', 4]));
    expect(driver.outputs()).toEqual([
      ['b', 2, 1],
      ['b', 4, 2],
    ]);
    expect(driver.parked()).toEqual({ a: 2 });
    driver.restart();
    await driver.advanceClock(5_000);
    expect(driver.parked()).toEqual({ a: 2 });
    isDown = false;
    await driver.give(...jobs(['a', 5]));
    expect(driver.outputs().slice(2)).toEqual([]);
    await driver.advanceClock(60_000);
    expect(driver.parked()).toEqual({});
    expect(driver.outputs().slice(2)).toEqual([
      ['a', 1, 1],
      ['a', 3, 2],
      ['a', 5, 3],
    ]);
    expect(driver.deadLetters()).toEqual([]);
  });

  it('waits for no longer than parkFor: then the event is a dead letter', async () => {
    isDown = true;
    const driver = new FunctionTestDriver(away);
    await driver.give(...jobs(['a', 1]));
    for (let second = 0; second < 120; second++) await driver.advanceClock(1_000);
    expect(driver.parked()).toEqual({});
    expect(driver.deadLetters()).toEqual([
      expect.objectContaining({ code: 'FUNCTION_RETRY_LATER', eventId: 'counting/given-1' }),
    ]);
    expect(Number(driver.deadLetters()[0]?.['attempts'])).toBeGreaterThan(3);
  });

  it('keeps so much and no more: the rest are dead letters', async () => {
    isDown = true;
    const driver = new FunctionTestDriver(away);
    await driver.give(...jobs(['a', 1], ['a', 2], ['a', 3], ['a', 4], ['b', 5]));
    expect(driver.parked()).toEqual({ a: 3 });
    expect(driver.deadLetters().map(({ code }) => code)).toEqual(['FUNCTION_PARKING_FULL']);
    expect(driver.outputs()).toEqual([['b', 5, 1]]);
  });
});

describe('async handlers', () => {
  // The slow handlers end in whatever order the schedule says; what comes out must be as if each had ended at once.
  it('give the same as handlers that wait for nothing, in the order of the input', async () => {
    const job = fc.tuple(fc.constantFrom('a', 'b', 'c', 'd'), fc.integer({ min: 0, max: 5 }));
    await fc.assert(
      fc.asyncProperty(
        fc.array(job, { maxLength: 25 }),
        fc.integer({ min: 1, max: 4 }),
        async (given, maxInFlight) => {
          const events = given.map(([key], index) => [key, index] as const);
          const sync = new FunctionTestDriver(counting(() => undefined));
          await sync.give(...jobs(...events));
          let running = 0;
          let most = 0;
          const busy = new Set<string>();
          const work = async ({ key, n }: Job): Promise<void> => {
            expect(busy.has(key)).toBe(false);
            busy.add(key);
            most = Math.max(most, ++running);
            for (let turns = given[n]?.[1] ?? 0; turns >= 0; turns--) await Promise.resolve();
            running--;
            busy.delete(key);
          };
          const driver = new FunctionTestDriver(counting(work, { maxInFlight }));
          await driver.give(...jobs(...events));
          expect(driver.outputs()).toEqual(sync.outputs());
          expect(driver.deadLetters()).toEqual([]);
          expect(most).toBeLessThanOrEqual(maxInFlight);
        },
      ),
    );
  });

  it('have so much time; then their signal aborts, and the key is parked', async () => {
    let seen: AbortSignal | undefined;
    const driver = new FunctionTestDriver(
      counting(
        ({ n }, _attempt, signal) => {
          if (n !== 1) return undefined;
          seen = signal;
          return new Promise(() => undefined);
        },
        { timeBudget: '2s' },
      ),
    );
    const giving = driver.give(...jobs(['a', 1], ['b', 2]));
    driver.clock.advance(1_999);
    expect(seen?.aborted).toBe(false);
    driver.clock.advance(1);
    await giving;
    expect(seen?.aborted).toBe(true);
    expect(driver.parked()).toEqual({ a: 1 });
    expect(driver.outputs()).toEqual([['b', 2, 1]]);
  });
});
