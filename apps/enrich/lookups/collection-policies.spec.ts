import { beforeEach, describe, expect, it } from '@jest/globals';
import { isDeadEvent, type StreamEvent } from '#libs/kernel';
import type { MessageBroker } from '#libs/messaging';
import { Telemetry } from '#libs/observability';
import { parsePipeline } from '#libs/pipeline';
import { shippedSchemas } from '#libs/schema';
import { type KeyedRecord, KeyedRecords, type RecordQuery } from '#libs/storage';
import { ManualClock } from '#libs/testing';
import { EventSteps } from '../steps/event-steps.js';
import { makeSteps } from '../steps/make-steps.js';

// A collection that is well, slow, wrong, away and back; what each policy makes of it. Time is the test's.

type Mood = 'well' | 'slow' | 'wrong' | 'away';

const PLANS: Readonly<Record<string, KeyedRecord>> = { ann: { plan: 'gold' }, bob: { plan: 'free' } };
const CLOSED = 0;
const OPEN = 2;

class Accounts extends KeyedRecords {
  isConfigured = true;
  mood: Mood = 'well';
  readonly asked: RecordQuery[] = [];
  onAsked: () => void = () => undefined;

  async find(query: RecordQuery): Promise<ReadonlyMap<string, KeyedRecord>> {
    this.asked.push(query);
    this.onAsked();
    if (this.mood === 'slow') return await new Promise(() => undefined);
    if (this.mood === 'away') throw new Error('no server answers');
    // Wrong: records, but none with what is wanted of them.
    const recordOf = (key: string): KeyedRecord | undefined =>
      this.mood === 'wrong' ? { plan: {} } : PLANS[key];
    return new Map(
      query.keys.flatMap((key) => {
        const record = recordOf(key);
        return record === undefined ? [] : [[key, record] as const];
      }),
    );
  }
}

let accounts: Accounts;
let clock: ManualClock;
let telemetry: Telemetry;

beforeEach(() => {
  accounts = new Accounts();
  clock = new ManualClock();
  telemetry = new Telemetry({ logLevel: 'silent' });
});

async function stepsWith(options: string): Promise<EventSteps> {
  const lookup = `{from: userId, source: 'mongodb:accounts', key: name, select: [plan], ${options}}`;
  const head = ['apiVersion: millrace/v1', 'kind: Pipeline', 'metadata: {name: p}', 'spec:'];
  const text = [...head, '  event: web-request@1', '  enrich:', `    - lookup: ${lookup}`].join('\n');
  const source = { file: 'p.yaml', text, include: () => undefined };
  const pipeline = parsePipeline(source, { schemas: shippedSchemas() });
  const resources = {
    ...{ pipeline: 'p', visitorSecret: 's', clock, telemetry },
    ...{ broker: {} as MessageBroker, records: accounts },
  };
  return new EventSteps((await makeSteps(pipeline.enrich, resources)).steps);
}

function eventOf(userId: string): StreamEvent<Record<string, unknown>> {
  const data = { method: 'GET', path: '/', status: 200, userId };
  return { id: userId, stream: 'web', timeMs: 0, receivedMs: 0, type: 'web-request@1', data };
}

/** The plan of each, or the code of the dead letter. */
async function ask(steps: EventSteps, ...users: readonly string[]): Promise<readonly unknown[]> {
  const running = users.map(async (user) => await steps.run(eventOf(user)));
  const done = await Promise.all(running);
  return done.map((each) => {
    if ('filteredFrom' in each) return 'filtered';
    if (isDeadEvent(each)) return each.dead.code;
    return (each.data as { plan?: unknown }).plan ?? null;
  });
}

async function breaker(): Promise<number> {
  const { text } = await telemetry.metrics();
  return Number(/^millrace_lookup_breaker_state\{[^}]*\} (\d)/m.exec(text)?.[1]);
}

describe('a look-up in a collection', () => {
  it('asks for all keys of a moment in one query, each once, and for none again while its answer is fresh', async () => {
    const steps = await stepsWith('cache: 1m');
    expect(await ask(steps, 'ann', 'bob', 'ann', 'eve')).toEqual(['gold', 'free', 'gold', null]);
    expect(await ask(steps, 'ann', 'eve')).toEqual(['gold', null]);
    const query = { collection: 'accounts', keyField: 'name', timeoutMs: 250, keys: ['ann', 'bob', 'eve'] };
    expect(accounts.asked).toEqual([query]);
  });

  it('is refused at the start where there is no database to ask', async () => {
    accounts.isConfigured = false;
    await expect(stepsWith('cache: 1m')).rejects.toMatchObject({ code: 'LOOKUP_DATABASE_MISSING' });
  });
});

describe.each(['null', 'stale', 'dead'])('a collection, with onError %s', (policy) => {
  const fresh = policy === 'dead' ? 'LOOKUP_FAILED' : null;
  const known = policy === 'stale' ? 'gold' : fresh;

  it('that is slow costs its timeout and no more', async () => {
    const steps = await stepsWith(`onError: ${policy}, cache: 1s`);
    await ask(steps, 'ann');
    clock.advance(1_000);
    accounts.mood = 'slow';
    const isAsked = new Promise<void>((resolve) => (accounts.onAsked = resolve));
    const answers = ask(steps, 'ann', 'bob');
    await isAsked;
    clock.advance(250);
    expect(await answers).toEqual([known, fresh]);
  });

  it('that is wrong leaves the fields absent: it has answered', async () => {
    const steps = await stepsWith(`onError: ${policy}, cache: 1s`);
    accounts.mood = 'wrong';
    expect(await ask(steps, 'ann')).toEqual([null]);
    expect(await breaker()).toBe(CLOSED);
  });

  it('that is away opens the breaker, and closes it when it is back', async () => {
    const steps = await stepsWith(`onError: ${policy}, cache: 1s`);
    await ask(steps, 'ann');
    clock.advance(1_000);
    accounts.mood = 'away';
    for (let i = 0; i < 5; i++) expect(await ask(steps, 'ann', 'bob')).toEqual([known, fresh]);
    expect(await breaker()).toBe(OPEN);
    const askedBefore = accounts.asked.length;
    expect(await ask(steps, 'ann')).toEqual([known]);
    expect(accounts.asked).toHaveLength(askedBefore);
    accounts.mood = 'well';
    clock.advance(1_000);
    expect(await ask(steps, 'ann', 'bob')).toEqual(['gold', 'free']);
    expect(await breaker()).toBe(CLOSED);
  });
});
