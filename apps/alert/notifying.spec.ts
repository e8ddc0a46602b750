import { describe, expect, it } from '@jest/globals';
import type { Outputs } from '#libs/functions';
import type { JsonValue } from '#libs/kernel';
import { Telemetry } from '#libs/observability';
import { parsePipeline } from '#libs/pipeline';
import { type DescribedNoun, publicMessageProblems, shippedSchemas } from '#libs/schema';
import type { ResultRow } from '#libs/storage';
import { ManualClock } from '#libs/testing';
import { AlertTaskLogic } from './alert-task.js';
import { judgedInput, outputsTo, storeChanges, type ToldMessage } from './alert-task-fixture.js';
import type { Post, PostOutcome } from './receivers/http-post.js';

const MINUTE_MS = 60_000;
const NOW_MS = Date.UTC(2026, 0, 1);

const PIPELINE = parsePipeline(
  {
    file: 'web.yaml',
    include: () => undefined,
    text: `
apiVersion: millrace/v1
kind: Pipeline
metadata: {name: web}
spec:
  event: web-request@1
  aggregate:
    - {name: requests, window: {tumbling: 1m}, measures: {n: count}}
  alerts:
    rules: [{name: many, severity: critical, summary: Many, threshold: {series: requests, value: n, above: 10}}]
    notifications: {groupBy: [rule], groupWait: 2s, groupInterval: 10s}
    receivers: [{name: pager, webhook: {url: 'https://pager.example.org/'}}]
`,
  },
  { schemas: shippedSchemas() },
);

/** Where the process dies. `sent`: the receiver has it, and nobody knows. */
type Crash = 'before-commit' | 'after-commit' | 'sent' | 'never';

/** One alert task after the other over the same store, broker and receiver; each dies where it is told. */
class World {
  readonly clock = new ManualClock(NOW_MS);
  readonly messages: ToldMessage[] = [];
  readonly posts: Post[] = [];
  answer: PostOutcome = { kind: 'taken' };
  #stored = new Map<string, JsonValue>();
  #run = new AbortController();
  #logic = this.#start();
  #gathered: World['messages'] = [];
  #afterwards: (() => void)[] = [];
  #hang = false;

  /** What is applied, then a commit; `crash` says how far that comes. */
  async commit(
    action: (logic: AlertTaskLogic, outputs: Outputs) => void,
    crash: Crash = 'never',
  ): Promise<void> {
    this.#hang = crash === 'sent';
    action(this.#logic, this.#outputs);
    this.#logic.tick({ nowMs: 0, siblings: new Map() }, this.#outputs);
    if (crash === 'before-commit') return this.#die();
    this.#logic.flush();
    storeChanges(this.#stored, this.#logic.changes());
    // A committed outbox is delivered by whoever comes next.
    this.messages.push(...this.#gathered.splice(0));
    if (crash === 'after-commit') return this.#die();
    for (const action of this.#afterwards.splice(0)) action();
    await this.settle();
    if (crash === 'sent') this.#die();
  }

  /** Lets what was started go on. */
  async settle(): Promise<void> {
    for (let i = 0; i < 50; i++) await Promise.resolve();
  }

  get pending(): number {
    return [...this.#stored.keys()].filter((name) => name.startsWith('pending/')).length;
  }

  end(): void {
    this.#run.abort();
  }

  #die(): void {
    this.#run.abort();
    this.#gathered = [];
    this.#afterwards = [];
    this.#hang = false;
    this.#run = new AbortController();
    this.#logic = this.#start();
  }

  #start(): AlertTaskLogic {
    const { signal } = this.#run;
    const logic = new AlertTaskLogic({
      ...{ pipeline: PIPELINE, clock: this.clock, telemetry: new Telemetry({ logLevel: 'silent' }) },
      topic: (noun) => noun,
      partitionsOf: () => 1,
      sending: {
        ...{ random: () => 0, secrets: new Map() },
        post: (post) => {
          this.posts.push(post);
          return this.#hang ? new Promise(() => undefined) : Promise.resolve(this.answer);
        },
      },
    });
    logic.begin({ abort: signal, drain: signal });
    logic.restore(this.#stored);
    return logic;
  }

  get #outputs(): Outputs {
    const tell = (message: ToldMessage): void => {
      expect(publicMessageProblems(message.topic as DescribedNoun, message.body)).toEqual([]);
      this.#gathered.push(message);
    };
    return outputsTo(tell, (action) => void this.#afterwards.push(action));
  }
}

function row(n: number, minute = 0): (logic: AlertTaskLogic, outputs: Outputs) => void {
  const windowEndMs = NOW_MS + minute * MINUTE_MS;
  const window = { windowStartMs: windowEndMs - MINUTE_MS, windowEndMs };
  const item: ResultRow = {
    ...{ pipeline: 'web', series: 'requests', stream: 'demo', key: {}, ...window },
    ...{ measures: { n }, revision: 0, task: 0 },
  };
  return (logic, outputs) => logic.apply(judgedInput([item]), outputs);
}

const nothing = (): void => undefined;
const CRASHES: readonly Crash[] = ['never', 'before-commit', 'after-commit', 'sent'];

describe('a transition, its notification and its webhook', () => {
  it.each(CRASHES.flatMap((first) => CRASHES.map((second) => [first, second] as const)))(
    'are one message each, whether the process dies %s at the first and %s at the second commit',
    async (first, second) => {
      const world = new World();
      await world.commit(row(99), first);
      // What was not committed is read again.
      if (first === 'before-commit') await world.commit(row(99));
      world.clock.advance(2_000);
      await world.commit(nothing, second);
      if (second === 'before-commit') await world.commit(nothing);
      await world.settle();
      await world.commit(nothing);
      world.end();
      expect(world.messages.map(({ topic }) => topic)).toEqual(['alerts', 'notifications']);
      const keys = new Set(world.posts.map(({ headers }) => headers['idempotency-key']));
      expect([...keys]).toEqual([world.messages[1]!.id]);
      expect(world.posts).toHaveLength(second === 'sent' ? 2 : 1);
      expect(world.pending).toBe(0);
    },
  );

  it('wait for a receiver that is away, through restarts', async () => {
    const world = new World();
    world.answer = { kind: 'failed', reason: 'away' };
    await world.commit(row(99));
    world.clock.advance(2_000);
    await world.commit(nothing);
    expect(world.posts).toHaveLength(1);
    world.clock.advance(1_000);
    await world.settle();
    expect(world.posts).toHaveLength(2);
    await world.commit(nothing, 'before-commit');
    await world.settle();
    expect([world.posts.length, world.pending]).toEqual([3, 1]);
    world.answer = { kind: 'taken' };
    world.clock.advance(1_000);
    await world.settle();
    await world.commit(nothing);
    world.end();
    expect([world.posts.length, world.pending]).toEqual([4, 0]);
    expect(new Set(world.posts.map(({ headers }) => headers['webhook-id'])).size).toBe(1);
  });
});
