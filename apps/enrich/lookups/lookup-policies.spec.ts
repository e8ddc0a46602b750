import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { isDeadEvent, type StreamEvent } from '#libs/kernel';
import type { MessageBroker } from '#libs/messaging';
import { Telemetry } from '#libs/observability';
import { parsePipeline } from '#libs/pipeline';
import { shippedSchemas } from '#libs/schema';
import type { KeyedRecords } from '#libs/storage';
import { ManualClock } from '#libs/testing';
import { type Enriched, EventSteps } from '../steps/event-steps.js';
import { makeSteps } from '../steps/make-steps.js';

// A real HTTP service that is well, slow, wrong, away and back; what each policy makes of it. Time is the test's.

type Mood = 'well' | 'slow' | 'wrong' | 'ill';

const PLANS: Readonly<Record<string, object>> = {
  ann: { plan: 'gold', credit: '12.5' },
  bob: { plan: 'free', credit: 3 },
};

let server: Server;
let mood: Mood;
let asked: (readonly string[])[];
let port: number;
let held: ServerResponse[];
let onHeld: () => void;
let clock: ManualClock;
let telemetry: Telemetry;

function answer(request: IncomingMessage, response: ServerResponse): void {
  const chunks: Buffer[] = [];
  request.on('data', (chunk: Buffer) => chunks.push(chunk));
  request.on('end', () => {
    const { keys } = JSON.parse(Buffer.concat(chunks).toString()) as { keys: string[] };
    asked.push(keys);
    if (mood === 'slow') {
      held.push(response);
      onHeld();
      return;
    }
    if (mood === 'ill') response.writeHead(500).end();
    else if (mood === 'wrong') response.end('<html>');
    else
      response.end(
        JSON.stringify({
          values: Object.fromEntries(keys.flatMap((key) => (PLANS[key] ? [[key, PLANS[key]]] : []))),
        }),
      );
  });
}

async function listen(at: number): Promise<void> {
  server = createServer(answer);
  await new Promise<void>((resolve) => server.listen(at, '127.0.0.1', resolve));
  port = (server.address() as AddressInfo).port;
}

async function goAway(): Promise<void> {
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
}

beforeEach(async () => {
  mood = 'well';
  asked = [];
  held = [];
  onHeld = () => undefined;
  clock = new ManualClock();
  telemetry = new Telemetry({ logLevel: 'silent' });
  await listen(0);
});
afterEach(goAway);

async function stepsWith(options: string): Promise<EventSteps> {
  const text = [
    ...[
      'apiVersion: millrace/v1',
      'kind: Pipeline',
      'metadata: {name: p}',
      'spec:',
      '  event: web-request@1',
      '  enrich:',
    ],
    `    - lookup: {from: userId, source: 'http://127.0.0.1:${port}/plans', select: {plan: string, credit: number}, ${options}}`,
  ].join('\n');
  const pipeline = parsePipeline(
    { file: 'p.yaml', text, include: () => undefined },
    { schemas: shippedSchemas() },
  );
  const resources = {
    ...{ pipeline: 'p', visitorSecret: 's', clock, telemetry },
    ...{ broker: {} as MessageBroker, records: {} as KeyedRecords },
  };
  return new EventSteps((await makeSteps(pipeline.enrich, resources)).steps);
}

function shown(enriched: Enriched): unknown {
  if ('filteredFrom' in enriched) return 'filtered';
  if (isDeadEvent(enriched)) return enriched.dead.code;
  const { plan, credit } = enriched.data as Record<string, unknown>;
  return plan === undefined ? null : [plan, credit];
}

async function ask(steps: EventSteps, ...users: readonly string[]): Promise<readonly unknown[]> {
  const running = users.map(async (userId) => {
    const event: StreamEvent = {
      id: userId,
      stream: 'web',
      timeMs: 0,
      receivedMs: 0,
      type: 't',
      data: { userId },
    };
    return shown(await steps.run(event));
  });
  return await Promise.all(running);
}

/** Asks while the service is slow, and lets the time run out once it has been asked. */
async function askSlow(steps: EventSteps, ...users: readonly string[]): Promise<readonly unknown[]> {
  const isAsked = new Promise<void>((resolve) => {
    onHeld = () => (held.length === users.length ? resolve() : undefined);
  });
  const answers = ask(steps, ...users);
  await isAsked;
  clock.advance(250);
  return await answers;
}

async function metric(name: string): Promise<Readonly<Record<string, number>>> {
  const { text } = await telemetry.metrics();
  const lines = [...text.matchAll(new RegExp(`^${name}\\{(.*)\\} (\\S+)$`, 'gm'))];
  return Object.fromEntries(
    lines.map(([, labels = '', value]) => [/outcome="(\w+)"/.exec(labels)?.[1] ?? 'state', Number(value)]),
  );
}

const stateOf = async (): Promise<number | undefined> =>
  (await metric('millrace_lookup_breaker_state'))['state'];

describe('a look-up', () => {
  it('asks for all keys of a moment at once, each of them once, and for none again while its answer is fresh', async () => {
    const steps = await stepsWith('cache: 1m, batch: 2');
    expect(await ask(steps, 'ann', 'bob', 'ann', 'eve')).toEqual([
      ['gold', 12.5],
      ['free', 3],
      ['gold', 12.5],
      null,
    ]);
    expect(asked).toEqual([['ann', 'bob'], ['eve']]);
    clock.advance(59_999);
    expect(await ask(steps, 'ann', 'eve')).toEqual([['gold', 12.5], null]);
    expect(asked).toHaveLength(2);
    clock.advance(1);
    await ask(steps, 'ann');
    expect(asked).toHaveLength(3);
    expect(await metric('millrace_lookup_answers_total')).toEqual({ fetched: 3, missing: 1, cached: 2 });
  });

  it('keeps no more answers than it may', async () => {
    const steps = await stepsWith('cacheSize: 1');
    await ask(steps, 'ann');
    await ask(steps, 'bob');
    await ask(steps, 'ann');
    expect(asked).toEqual([['ann'], ['bob'], ['ann']]);
  });

  it.each<[string, string | null]>([
    ['null', null],
    ['stale', null],
    ['dead', 'LOOKUP_MISSED'],
  ])('says of a key that there is not, with onMiss %s: %s', async (policy, outcome) => {
    const steps = await stepsWith(`onMiss: ${policy}`);
    expect(await ask(steps, 'eve', 'ann')).toEqual([outcome, ['gold', 12.5]]);
  });

  it('gives the last answer to a key that is gone, with onMiss stale', async () => {
    const steps = await stepsWith('onMiss: stale, cache: 1s');
    await ask(steps, 'ann');
    clock.advance(1_000);
    const plans = PLANS as Record<string, object>;
    const { ann } = plans;
    delete plans['ann'];
    expect(await ask(steps, 'ann')).toEqual([['gold', 12.5]]);
    plans['ann'] = ann!;
  });
});

describe.each(['null', 'stale', 'dead'])('with onError %s', (policy) => {
  const fresh = policy === 'dead' ? 'LOOKUP_FAILED' : null;
  const known = policy === 'stale' ? ['gold', 12.5] : fresh;

  it.each(['wrong', 'ill'] as const)('a service that is %s', async (state) => {
    const steps = await stepsWith(`onError: ${policy}, cache: 1s, staleFor: 1m`);
    await ask(steps, 'ann');
    clock.advance(1_000);
    mood = state;
    expect(await ask(steps, 'ann', 'bob')).toEqual([known, fresh]);
    clock.advance(60_000);
    expect(await ask(steps, 'ann')).toEqual([fresh]);
  });

  it('a slow service costs its timeout, once, and then nothing until the breaker lets one through', async () => {
    const steps = await stepsWith(`onError: ${policy}, cache: 1s, batch: 1`);
    await ask(steps, 'ann');
    clock.advance(1_000);
    mood = 'slow';
    const beganMs = clock.monotonicMs();
    expect(await askSlow(steps, 'ann', 'b', 'c', 'd', 'e', 'f')).toEqual([
      known,
      ...Array.from('bcdef', () => fresh),
    ]);
    expect(clock.monotonicMs() - beganMs).toBe(250);
    expect(await stateOf()).toBe(2);
    const askedBefore = asked.length;
    expect(await ask(steps, 'ann', 'g', 'h')).toEqual([known, fresh, fresh]);
    expect(asked).toHaveLength(askedBefore);
    expect(await metric('millrace_lookup_answers_total')).toMatchObject({ timeout: 6, refused: 3 });
    mood = 'well';
    clock.advance(1_000);
    expect(await ask(steps, 'bob')).toEqual([['free', 3]]);
    expect(await stateOf()).toBe(0);
  });

  it('a service that is away, and comes back', async () => {
    const steps = await stepsWith(`onError: ${policy}, cache: 1s`);
    await ask(steps, 'ann');
    clock.advance(1_000);
    await goAway();
    for (let i = 0; i < 5; i++) expect(await ask(steps, 'ann')).toEqual([known]);
    expect(await stateOf()).toBe(2);
    clock.advance(1_000);
    // Half-open: one goes through, and fails; the next pause is twice as long.
    expect(await ask(steps, 'ann')).toEqual([known]);
    expect(await stateOf()).toBe(2);
    await listen(port);
    clock.advance(1_999);
    expect(await ask(steps, 'ann')).toEqual([known]);
    clock.advance(1);
    expect(await ask(steps, 'ann')).toEqual([['gold', 12.5]]);
    expect(await stateOf()).toBe(0);
  });
});
