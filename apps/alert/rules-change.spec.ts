import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { type AlertEvent, alertEventId } from '#libs/alerting';
import type { Outputs, TaskInput } from '#libs/functions';
import type { JsonValue } from '#libs/kernel';
import { Telemetry } from '#libs/observability';
import { alertRulesVersion, parsePipeline, type PipelineDefinition } from '#libs/pipeline';
import { type DescribedNoun, publicMessageProblems, shippedSchemas } from '#libs/schema';
import type { ResultRow } from '#libs/storage';
import { ManualClock } from '#libs/testing';
import { AlertTaskLogic } from './alert-task.js';
import { judgedInput, outputsTo, storeChanges, type ToldMessage } from './alert-task-fixture.js';
import type { Post } from './receivers/http-post.js';
import { RULES_CELL } from './rules-in-use.js';

// The rules of an alert task change while it runs. One task after the other works over the same input and store; each dies
// where it is told.

const MINUTE_MS = 60_000;
const TELEMETRY = new Telemetry({ logLevel: 'silent' });

function pipeline(...rules: readonly string[]): PipelineDefinition {
  const text = `
apiVersion: millrace/v1
kind: Pipeline
metadata: {name: web}
spec:
  event: web-request@1
  aggregate: [{name: requests, window: {tumbling: 1m}, measures: {n: count}}]
  alerts:
    rules: [${rules.join(', ')}]
    notifications: {groupBy: [rule], groupWait: 0s, groupInterval: 1s}
    receivers: [{name: pager, webhook: {url: 'https://pager.example.org/'}}]
`;
  return parsePipeline({ file: 'web.yaml', text, include: () => undefined }, { schemas: shippedSchemas() });
}

const HELD =
  '{name: held, severity: info, summary: Held, for: 1m, threshold: {series: requests, value: n, above: 10}}';
const MANY =
  '{name: many, severity: info, summary: Many, threshold: {series: requests, value: n, above: 30}}';
const BEFORE = pipeline(HELD, MANY);

const AFTER: Readonly<Record<string, PipelineDefinition>> = {
  'another text and severity': pipeline(HELD.replace('info', 'critical').replace('Held', 'Much'), MANY),
  'another condition': pipeline(HELD.replace('above: 10', 'above: 20'), MANY),
  'another `for`': pipeline(HELD.replace('for: 1m', 'for: 3m'), MANY),
  'further labels': pipeline(HELD.replace('for: 1m', 'for: 1m, labels: {team: shop}'), MANY),
  'one less': pipeline(MANY),
  'one more': pipeline(HELD, MANY, MANY.replace('many', 'most').replace('above: 30', 'above: 40')),
};

/** Where a process dies in a commit, if at all. */
type Death = 'none' | 'before-commit' | 'after-commit';

interface Step {
  readonly n: number;
  readonly isCommit: boolean;
  readonly death: Death;
}

/** What the store, the log and the receiver have. */
class World {
  readonly events: AlertEvent[] = [];
  readonly posts: Post[] = [];
  /** Committed inputs when the commits first said that the rules were others. */
  changedAt: number | undefined;
  #stored = new Map<string, JsonValue>();
  #committed = 0;
  #applied = 0;
  #gathered: AlertEvent[] = [];
  #afterwards: (() => void)[] = [];
  #run = new AbortController();
  #logic: AlertTaskLogic;

  constructor(
    private readonly inputs: readonly number[],
    public current: PipelineDefinition,
    stored?: World,
  ) {
    if (stored !== undefined) {
      this.#stored = new Map(stored.#stored);
      this.#committed = stored.#committed;
    }
    this.#logic = this.#start();
  }

  get committed(): number {
    return this.#committed;
  }

  get state(): unknown {
    return Object.fromEntries(this.#stored);
  }

  /** Applies inputs up to a number of them, as the runner does: look at the time behind each, commit at once if that is wanted. */
  async applyUpTo(end: number, last: { readonly isCommit: boolean; readonly death: Death }): Promise<void> {
    let death = last.death;
    while (this.#applied < end) {
      const n = this.inputs[this.#applied]!;
      this.#logic.apply(rowInput(n, this.#applied++), this.#outputs);
      this.#logic.tick({ nowMs: 0, siblings: new Map() }, this.#outputs);
      const isLast = this.#applied === end;
      if (!(isLast && last.isCommit) && this.#logic.urgency() !== 'now') continue;
      await this.commit(death);
      death = 'none';
    }
  }

  async commit(death: Death = 'none'): Promise<void> {
    if (death === 'before-commit') return this.#die();
    this.#logic.flush();
    storeChanges(this.#stored, this.#logic.changes());
    expect(JSON.parse(JSON.stringify(Object.fromEntries(this.#logic.cells())))).toEqual(this.state);
    const { version } = this.#stored.get(RULES_CELL) as { version: string };
    if (version !== alertRulesVersion(BEFORE)) this.changedAt ??= this.#committed;
    this.#committed = this.#applied;
    this.events.push(...this.#gathered.splice(0));
    if (death === 'after-commit') return this.#die();
    for (const action of this.#afterwards.splice(0)) action();
    for (let i = 0; i < 20; i++) await Promise.resolve();
  }

  end(): void {
    this.#run.abort();
  }

  #die(): void {
    this.#run.abort();
    this.#gathered = [];
    this.#afterwards = [];
    this.#run = new AbortController();
    this.#applied = this.#committed;
    this.#logic = this.#start();
  }

  #start(): AlertTaskLogic {
    const { signal } = this.#run;
    this.#applied = this.#committed;
    const logic = new AlertTaskLogic({
      ...{ pipeline: BEFORE, current: () => this.current, clock: new ManualClock(0) },
      ...{ telemetry: TELEMETRY, topic: (noun) => noun, partitionsOf: () => 1 },
      sending: {
        ...{ random: () => 0, secrets: new Map() },
        post: (post) => {
          this.posts.push(post);
          return Promise.resolve({ kind: 'taken' });
        },
      },
    });
    logic.begin({ abort: signal, drain: signal });
    logic.restore(this.#stored);
    return logic;
  }

  get #outputs(): Outputs {
    const tell = ({ topic, body }: ToldMessage): void => {
      expect(publicMessageProblems(topic as DescribedNoun, body)).toEqual([]);
      if (topic === 'alerts') this.#gathered.push(body as AlertEvent);
    };
    return outputsTo(tell, (action) => void this.#afterwards.push(action));
  }
}

/** The row of the minute of that number. */
function rowInput(n: number, minute: number): TaskInput {
  const window = { windowStartMs: minute * MINUTE_MS, windowEndMs: (minute + 1) * MINUTE_MS };
  const row: ResultRow = {
    ...{ pipeline: 'web', series: 'requests', stream: 'demo', key: {}, ...window },
    ...{ measures: { n }, revision: 0, task: 0 },
  };
  return judgedInput([row]);
}

function inWords(event: AlertEvent): string {
  return `${event.rule} ${event.severity} ${event.status} (${event.reason}) ${alertEventId(event)}`;
}

/** Everything in order: the rules change where the process has applied so many inputs for the first time. */
async function run(steps: readonly Step[], after: PipelineDefinition, changeAt: number): Promise<World> {
  const inputs = steps.map(({ n }) => n);
  const world = new World(inputs, BEFORE);
  for (const [index, step] of steps.entries()) {
    if (index === changeAt) world.current = after;
    await world.applyUpTo(index + 1, step);
  }
  await world.applyUpTo(inputs.length, { isCommit: true, death: 'none' });
  // Twice: at a boundary that there may not have been yet.
  for (let i = 0; i < 3; i++) await world.applyUpTo(inputs.length, { isCommit: true, death: 'none' });
  world.end();
  return world;
}

/** What would have come of a restart at one commit: the rules before up to there, others from there on. */
async function restartedAt(
  steps: readonly Step[],
  after: PipelineDefinition,
  boundary: number,
): Promise<World> {
  const inputs = steps.map(({ n }) => n);
  const before = new World(inputs, BEFORE);
  await before.applyUpTo(boundary, { isCommit: true, death: 'none' });
  before.end();
  const world = new World(inputs, after, before);
  await world.applyUpTo(inputs.length, { isCommit: true, death: 'none' });
  world.end();
  world.events.unshift(...before.events);
  return world;
}

const step: fc.Arbitrary<Step> = fc.record({
  n: fc.constantFrom(0, 15, 25, 35, 45),
  isCommit: fc.boolean(),
  death: fc.constantFrom<Death>('none', 'none', 'before-commit', 'after-commit'),
});

describe('rules that change while an alert task runs, with a process that dies anywhere', () => {
  it('judge from one commit on, which says so; everything before and behind it is told once', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(step, { minLength: 2, maxLength: 12 }),
        fc.constantFrom(...Object.values(AFTER)),
        fc.nat(11),
        async (steps, after, changeAt) => {
          const found = await run(steps, after, changeAt);
          const ids = found.events.map(alertEventId);
          expect(new Set(ids).size).toBe(ids.length);
          const wanted = await restartedAt(steps, after, found.changedAt ?? steps.length);
          if (found.changedAt === undefined) wanted.events.splice(found.events.length);
          expect(found.events.map(inWords)).toEqual(wanted.events.map(inWords));
        },
      ),
    );
  });
});

describe('an alert that fires when the rules change', () => {
  const FIRING: readonly Step[] = [25, 25, 25, 25, 0].map((n) => ({ n, isCommit: true, death: 'none' }));
  const told = async (name: string, death: Death = 'none'): Promise<readonly string[]> => {
    const steps = FIRING.map((each, index) => (index === 3 ? { ...each, death } : each));
    const { events } = await run(steps, AFTER[name]!, 3);
    return events
      .filter(({ rule }) => rule === 'held')
      .map(({ severity, status, reason }) => `${severity} ${status} (${reason})`);
  };
  const FIRED = ['info pending (breach)', 'info firing (held)'];

  it.each<[string, readonly string[]]>([
    ['another text and severity', ['critical resolved (recovered)']],
    ['another `for`', ['info resolved (recovered)']],
    ['one more', ['info resolved (recovered)']],
    [
      'another condition',
      ['info resolved (rule-changed)', 'info pending (breach)', 'info inactive (recovered)'],
    ],
    [
      'further labels',
      ['info resolved (rule-changed)', 'info pending (breach)', 'info inactive (recovered)'],
    ],
    ['one less', ['info resolved (rule-removed)']],
  ])(
    'to %s goes on, or ends, as it should, whether the process dies at the change or not',
    async (name, then) => {
      for (const death of ['none', 'before-commit', 'after-commit'] as const)
        expect(await told(name, death)).toEqual([...FIRED, ...then]);
    },
  );
});

describe('a webhook that is under way when the rules change', () => {
  it('is told once, and each further transition with a key of its own', async () => {
    const steps: readonly Step[] = [35, 35, 0, 0].map((n) => ({ n, isCommit: true, death: 'none' }));
    const { posts } = await run(steps, AFTER['one more']!, 1);
    const keys = posts.map(({ headers }) => headers['idempotency-key']);
    expect(keys.length).toBeGreaterThan(0);
    expect(new Set(keys).size).toBe(keys.length);
  });
});
