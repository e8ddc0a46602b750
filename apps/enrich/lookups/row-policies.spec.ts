import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate as turn } from 'node:timers/promises';
import { isDeadEvent, type StreamEvent } from '#libs/kernel';
import type { MessageBroker, MessageReader, ReceiveOptions } from '#libs/messaging';
import { Telemetry } from '#libs/observability';
import { parsePipeline } from '#libs/pipeline';
import { shippedSchemas } from '#libs/schema';
import type { KeyedRecords } from '#libs/storage';
import { ManualClock } from '#libs/testing';
import { EventSteps } from '../steps/event-steps.js';
import { type MadeSteps, makeSteps } from '../steps/make-steps.js';

// Files and a compacted topic: sources that hold all their rows. Slow, wrong, away and back; what each policy makes of it.
// Time is the test's.

const OPEN = 2;
const CLOSED = 0;

/** A topic of one partition, and who reads it. */
class PlansTopic {
  mood: 'well' | 'slow' | 'away' = 'well';
  readonly #log: { key: string | undefined; payload: Buffer }[] = [];
  #wake: () => void = () => undefined;
  #isCut = false;

  publish(key: string | undefined, text: string): void {
    this.#log.push({ key, payload: Buffer.from(text) });
    this.#wake();
  }

  /** Its readers have to be opened anew. */
  cut(): void {
    this.#isCut = true;
    this.#wake();
  }

  async openReader(): Promise<MessageReader> {
    if (this.mood === 'away') throw new Error('no broker answers');
    this.#isCut = false;
    let at = 0;
    const receive = async ({ waitMs, signal }: ReceiveOptions): Promise<unknown> => {
      if (at === this.#log.length || this.mood !== 'well') await this.#change(waitMs, signal);
      if (this.#isCut) throw new Error('the reader is closed');
      return this.mood === 'well' && at < this.#log.length ? [this.#log[at++]] : [];
    };
    const isCaughtUp = async (): Promise<boolean> => {
      if (this.mood === 'away') throw new Error('no broker answers');
      return this.mood === 'well' && at === this.#log.length;
    };
    return { receive, isCaughtUp, close: async () => undefined } as unknown as MessageReader;
  }

  async #change(waitMs: number, signal: AbortSignal | undefined): Promise<void> {
    await new Promise<void>((resolve) => {
      this.#wake = resolve;
      clock.after(waitMs, resolve);
      signal?.addEventListener('abort', () => resolve());
    });
  }
}

let folder: string;
let topic: PlansTopic;
let clock: ManualClock;
let telemetry: Telemetry;
let made: MadeSteps | undefined;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'millrace-rows-'));
  topic = new PlansTopic();
  clock = new ManualClock();
  telemetry = new Telemetry({ logLevel: 'silent' });
});
afterEach(async () => {
  await made?.close();
  rmSync(folder, { recursive: true });
});

async function stepsWith(source: string, options: string): Promise<EventSteps> {
  const lookup = `{from: userId, source: '${source}', select: [plan], ${options}}`;
  const head = ['apiVersion: millrace/v1', 'kind: Pipeline', 'metadata: {name: p}', 'spec:'];
  const text = [...head, '  event: web-request@1', '  enrich:', `    - lookup: ${lookup}`].join('\n');
  const file = { file: join(folder, 'p.yaml'), text, include: () => undefined };
  const pipeline = parsePipeline(file, { schemas: shippedSchemas() });
  const broker = { openReader: () => topic.openReader() } as unknown as MessageBroker;
  const rest = { visitorSecret: 's', clock, telemetry, records: {} as KeyedRecords };
  made = await makeSteps(pipeline.enrich, { pipeline: 'p', broker, ...rest });
  return new EventSteps(made.steps);
}

/** The plan of each, or the code of the dead letter. */
async function ask(steps: EventSteps, ...users: readonly string[]): Promise<readonly unknown[]> {
  const running = users.map(async (userId) => {
    const event: StreamEvent = {
      ...{ id: userId, stream: 'web', timeMs: 0, receivedMs: 0, type: 'web-request@1', data: { userId } },
    };
    const done = await steps.run(event);
    if ('filteredFrom' in done) return 'filtered';
    return isDeadEvent(done) ? done.dead.code : ((done.data as { plan?: unknown }).plan ?? null);
  });
  return await Promise.all(running);
}

/** Time passes while others do what they do. */
async function pass(ms: number): Promise<void> {
  for (let leftMs = ms; leftMs > 0; leftMs -= 50) {
    clock.advance(Math.min(50, leftMs));
    for (let turns = 0; turns < 5; turns++) await turn();
  }
}

async function metric(name: string): Promise<number> {
  const { text } = await telemetry.metrics();
  return Number(new RegExp(`^${name}\\{[^}]*\\} (\\d+)`, 'm').exec(text)?.[1] ?? NaN);
}

const breaker = (): Promise<number> => metric('millrace_lookup_breaker_state');

/** Asks until the breaker is in this state; the last answers. */
async function askUntil(state: number, steps: EventSteps, ...users: string[]): Promise<readonly unknown[]> {
  for (;;) {
    const answers = await ask(steps, ...users);
    if ((await breaker()) === state) return answers;
    await turn();
  }
}

async function askUntilAnswered(
  steps: EventSteps,
  user: string,
  wanted: string | null,
): Promise<readonly unknown[]> {
  for (;;) {
    const answers = await ask(steps, user);
    if (answers[0] === wanted) return answers;
    await turn();
  }
}

const CSV = 'id,plan\nann,gold\nbob,free\n';
const FILES = [
  ['plans.csv', CSV, 'id,plan\nann,silver\nbob,free\n', 'id,plan\nann'],
  [
    'plans.json',
    '{"ann": {"plan": "gold"}, "bob": {"plan": "free"}}',
    '{"ann": {"plan": "silver"}}',
    '{"ann',
  ],
] as const;

describe.each(FILES)('the file %s', (name, rows, newRows, broken) => {
  const path = (): string => join(folder, name);
  const start = async (options: string): Promise<EventSteps> => {
    writeFileSync(path(), rows);
    return await stepsWith(`file:./${name}`, options);
  };

  it('serves the newest rows as soon as they are read', async () => {
    const steps = await start('onMiss: dead');
    expect(await ask(steps, 'ann', 'bob', 'eve')).toEqual(['gold', 'free', 'LOOKUP_MISSED']);
    writeFileSync(path(), newRows);
    await pass(2_000);
    expect(await askUntilAnswered(steps, 'ann', 'silver')).toEqual(['silver']);
  });

  it('keeps the process from starting where it is wrong or missing at the start', async () => {
    await expect(stepsWith(`file:./${name}`, '')).rejects.toMatchObject({ code: 'STEP_FILE_INVALID' });
    writeFileSync(path(), broken);
    await expect(stepsWith(`file:./${name}`, '')).rejects.toMatchObject({ code: 'STEP_FILE_INVALID' });
  });

  it('that takes its time to be read costs nobody any: the rows of before serve', async () => {
    const steps = await start('onError: dead');
    execFileSync('mkfifo', [`${path()}.slow`]);
    renameSync(`${path()}.slow`, path());
    await pass(2_000);
    const beganMs = clock.monotonicMs();
    for (let i = 0; i < 10; i++) expect(await ask(steps, 'ann')).toEqual(['gold']);
    expect(clock.monotonicMs()).toBe(beganMs);
    // Waits until somebody reads.
    await writeFile(path(), newRows);
    expect(await askUntilAnswered(steps, 'ann', 'silver')).toEqual(['silver']);
  });

  describe.each([
    ['null', null, null],
    ['stale', 'gold', null],
    ['dead', 'LOOKUP_FAILED', 'LOOKUP_FAILED'],
  ])('with onError %s', (policy, known, unknown) => {
    it.each([
      ['wrong', () => writeFileSync(path(), broken)],
      ['away', () => rmSync(path())],
    ])('that is %s, and is back', async (_, spoil) => {
      const steps = await start(`onError: ${policy}`);
      expect(await ask(steps, 'ann')).toEqual(['gold']);
      spoil();
      await pass(2_000);
      expect(await askUntil(OPEN, steps, 'ann', 'eve')).toEqual([known, unknown]);
      expect(await ask(steps, 'ann', 'eve')).toEqual([known, unknown]);
      writeFileSync(path(), newRows);
      await pass(1_000);
      expect(await ask(steps, 'ann')).toEqual(['silver']);
      expect(await breaker()).toBe(CLOSED);
    });
  });

  it('serves its last rows no longer than staleFor says, for ever where it says nothing', async () => {
    const steps = await start('staleFor: 1m');
    rmSync(path());
    await pass(2_000);
    expect(await askUntil(OPEN, steps, 'ann')).toEqual(['gold']);
    clock.advance(60_000);
    expect(await ask(steps, 'ann')).toEqual([null]);
    const others = await start('');
    rmSync(path());
    await pass(2_000);
    await askUntil(OPEN, others, 'ann');
    clock.advance(1_000 * 86_400_000);
    expect(await ask(others, 'ann')).toEqual(['gold']);
  });
});

describe('a compacted topic', () => {
  const start = async (options: string): Promise<EventSteps> =>
    await stepsWith('topic:persistent://public/default/plans', options);
  const publish = (): void => {
    topic.publish('ann', '{"plan": "bronze"}');
    topic.publish('bob', '{"plan": "free"}');
    topic.publish('ann', '{"plan": "gold"}');
    topic.publish('bob', '');
  };

  it('serves the newest message of each key', async () => {
    publish();
    const steps = await start('onMiss: dead');
    await pass(100);
    expect(await ask(steps, 'ann', 'bob', 'eve')).toEqual(['gold', 'LOOKUP_MISSED', 'LOOKUP_MISSED']);
    topic.publish('ann', '{"plan": "silver"}');
    expect(await askUntilAnswered(steps, 'ann', 'silver')).toEqual(['silver']);
  });

  it('with messages that are no rows: the rows of before stay, and they are counted', async () => {
    publish();
    const steps = await start('onError: dead');
    topic.publish('ann', 'no JSON');
    topic.publish('ann', '[1]');
    topic.publish(undefined, '{"plan": "silver"}');
    await pass(100);
    expect(await ask(steps, 'ann')).toEqual(['gold']);
    expect(await metric('millrace_lookup_rows_refused_total')).toBe(3);
    expect(await breaker()).toBe(CLOSED);
  });

  describe.each([
    ['null', null, null],
    ['stale', 'gold', null],
    ['dead', 'LOOKUP_FAILED', 'LOOKUP_FAILED'],
  ])('with onError %s', (policy, known, unknown) => {
    it('that is slow to be read at the start costs the timeout and no more', async () => {
      publish();
      topic.mood = 'slow';
      const steps = await start(`onError: ${policy}`);
      const answers = ask(steps, 'ann');
      await turn();
      expect(made?.waitingFor()).toBe('lookup:persistent://public/default/plans');
      await pass(100);
      topic.mood = 'well';
      // It is read to its end in time.
      await pass(150);
      expect(await answers).toEqual(['gold']);
      expect(made?.waitingFor()).toBeUndefined();
      topic.mood = 'slow';
      topic.cut();
      await pass(1_000);
      const beganMs = clock.monotonicMs();
      const later = ask(steps, 'ann', 'eve');
      await turn();
      await pass(250);
      expect(await later).toEqual([known, unknown]);
      expect(clock.monotonicMs() - beganMs).toBe(250);
    });

    it('that is away, and is back', async () => {
      publish();
      const steps = await start(`onError: ${policy}`);
      await pass(100);
      expect(await ask(steps, 'ann')).toEqual(['gold']);
      topic.mood = 'away';
      await pass(1_000);
      expect(await askUntil(OPEN, steps, 'ann', 'eve')).toEqual([known, unknown]);
      expect(await ask(steps, 'ann', 'eve')).toEqual([known, unknown]);
      topic.publish('ann', '{"plan": "silver"}');
      topic.mood = 'well';
      await pass(2_000);
      expect(await ask(steps, 'ann')).toEqual(['silver']);
      expect(await breaker()).toBe(CLOSED);
    });
  });

  it('that is read anew shows no old message over a newer one', async () => {
    publish();
    const steps = await start('timeout: 10s');
    await pass(100);
    topic.cut();
    await pass(1_000);
    for (let i = 0; i < 20; i++) {
      expect(await Promise.race([ask(steps, 'ann'), pass(100).then(() => ['waits'])])).not.toEqual([
        'bronze',
      ]);
    }
    expect(await ask(steps, 'ann')).toEqual(['gold']);
  });
});
