import { describe, expect, test } from '@jest/globals';
import { WriteQueue } from './write-queue.js';

interface Batches {
  readonly queue: WriteQueue;
  /** Keys of each batch that was applied. */
  readonly batches: string[][];
  /** Lets the batch under way end. */
  flush(error?: Error): Promise<void>;
}

function startQueue(): Batches {
  const batches: string[][] = [];
  let endBatch: (error?: Error) => void = () => undefined;
  const queue = new WriteQueue({
    apply: (changes) => {
      batches.push(changes.map(({ key }) => String(key)));
      return new Promise((resolve, reject) => {
        endBatch = (error) => (error === undefined ? resolve() : reject(error));
      });
    },
    finish: (changes) => changes.push({ table: 'ends', key: 'end' }),
    afterStored: () => undefined,
    afterFailed: (cause) => new Error('not stored', { cause }),
  });
  const flush = async (error?: Error): Promise<void> => {
    await turns();
    endBatch(error);
    await turns();
  };
  return { queue, batches, flush };
}

async function turns(): Promise<void> {
  for (let i = 0; i < 20; i++) await Promise.resolve();
}

function submit(queue: WriteQueue, key: string, said: string[], refusal?: Error): void {
  queue.submit({
    bytes: 1,
    stage: (changes) => {
      if (refusal !== undefined) throw refusal;
      changes.push({ table: 'ends', key });
    },
    stored: () => said.push(`${key} stored`),
    failed: (error) => said.push(`${key} ${(error as Error).message}`),
  });
}

describe('writes', () => {
  test('that come while one is under way go together into the next', async () => {
    const { queue, batches, flush } = startQueue();
    const said: string[] = [];
    submit(queue, 'a', said);
    submit(queue, 'b', said);
    await turns();
    submit(queue, 'c', said);
    submit(queue, 'd', said);
    expect(said).toEqual([]);
    await flush();
    expect(said).toEqual(['a stored', 'b stored']);
    await flush();
    expect(said).toEqual(['a stored', 'b stored', 'c stored', 'd stored']);
    expect(batches).toEqual([
      ['a', 'b', 'end'],
      ['c', 'd', 'end'],
    ]);
  });

  test('that are refused leave the others alone', async () => {
    const { queue, batches, flush } = startQueue();
    const said: string[] = [];
    submit(queue, 'a', said, new Error('refused'));
    submit(queue, 'b', said);
    await flush();
    expect(said).toEqual(['a refused', 'b stored']);
    expect(batches).toEqual([['b', 'end']]);
  });

  test('of a batch that the disk did not take fail together, and the next one is tried', async () => {
    const { queue, flush } = startQueue();
    const said: string[] = [];
    submit(queue, 'a', said);
    submit(queue, 'b', said);
    await turns();
    submit(queue, 'c', said);
    await flush(new Error('disk full'));
    expect(said).toEqual(['a not stored', 'b not stored']);
    await flush();
    expect(said.at(-1)).toBe('c stored');
  });

  test('are stored before the queue closes, and refused after', async () => {
    const { queue, flush } = startQueue();
    const said: string[] = [];
    submit(queue, 'a', said);
    const closed = queue.close();
    submit(queue, 'b', said);
    await flush();
    await closed;
    expect(said).toEqual(['b the log is closed', 'a stored']);
  });
});
