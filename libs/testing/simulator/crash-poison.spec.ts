import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import {
  DEFAULT_SETTINGS,
  defineFunction,
  type FunctionContext,
  type FunctionDefinition,
  FunctionTaskLogic,
  RetryLaterError,
  type RuntimePorts,
  stateIdentityOf,
  TaskHost,
} from '#libs/functions';
import type { StreamEvent } from '#libs/kernel';
import { type Delivery, encodeFrame, type Position } from '#libs/messaging';
import { Telemetry } from '#libs/observability';
import { COLLECTIONS } from '#libs/storage';
import { NO_FAULTS } from './fault-plan.js';
import { ModelBroker } from './model-broker.js';
import { ModelCommitStore, ModelLeaseStore, ModelTasks } from './model-commits.js';
import { ModelLog } from './model-log.js';
import { ModelResults, ModelResultStore } from './model-results.js';
import { SeededRandom } from './seeded-random.js';
import { SimulatedProcess, type World } from './simulated-process.js';
import { VirtualTime } from './virtual-time.js';

// A function on which its process dies, in virtual time: whoever takes over meets the same event again. In the end
// everything else counts once, and what kills is a dead letter.

const IN = 'p.enriched';
const OUT = 'p.out';
const DEAD = 'p.dead';
const TASK = { pipeline: 'p', stage: 'f', partition: 0 };
const RUNS = Math.ceil((fc.readConfigureGlobal().numRuns ?? 200) / 5);
/** The three ends among others, and the two alone. */
const ENDS = 5;
/** Longer than it takes to find three killers, with a lease to wait for after every end. */
const PATIENCE_MS = 400_000;

interface Data {
  readonly n: number;
}

type Kill = () => never;
type Handlers = Pick<FunctionDefinition<Data, number>, 'process'> &
  Partial<Pick<FunctionDefinition<Data, number>, 'onTimer' | 'by' | 'maxInFlight'>>;

class PoisonedWorld {
  readonly world: World;
  readonly #log = new ModelLog();
  readonly #tasks = new ModelTasks();
  readonly #results = new ModelResults();
  readonly #telemetry = new Telemetry({ logLevel: 'silent' });
  readonly #dead: SimulatedProcess[] = [];
  #process!: SimulatedProcess;
  #events = 0;

  /** @param handlers of the function; `kill` ends the process that runs it */
  constructor(
    private readonly handlers: (kill: Kill) => Handlers,
    private readonly options: { readonly seed?: number; readonly partitions?: number } = {},
  ) {
    const faults = { ...NO_FAULTS, latencyMs: () => 1 };
    this.world = { time: new VirtualTime(), random: new SeededRandom(options.seed ?? 1), faults, startMs: 0 };
    for (const name of [IN, OUT, DEAD])
      this.#log.ensureTopic({ name, partitions: this.#partitions, subscriptions: name === IN ? ['f'] : [] });
    this.#start();
  }

  get ends(): number {
    return this.#dead.length;
  }

  get commits(): number {
    return this.#tasks.record(TASK).commitSeq;
  }

  get #partitions(): number {
    return this.options.partitions ?? 1;
  }

  /** One frame a partition. */
  write(...events: readonly (Data & { readonly key?: string })[]): void {
    for (let partition = 0; partition < this.#partitions; partition++)
      this.#write(
        partition,
        events.filter(({ n }) => n % this.#partitions === partition),
      );
  }

  #write(partition: number, events: readonly (Data & { readonly key?: string })[]): void {
    const at = (entry: number): Position => [0, entry, 0, 0];
    const place = this.#log.partition(IN, partition);
    const lines = events.map(({ key, n }) => {
      const event: StreamEvent<Data> = {
        id: `e${n}`,
        stream: 's',
        timeMs: this.#events++ * 1_000,
        receivedMs: 0,
        key: key ?? `k${n % 3}`,
        type: 't',
        data: { n },
      };
      return JSON.stringify(event);
    });
    const covers = { after: at(place.end - 1), upTo: at(place.end) };
    const frame = encodeFrame({ v: 1, kind: 'enriched', covers }, lines);
    place.append(frame, 'enrich', this.world.time.nowMs);
  }

  crash(): void {
    this.#process.crash();
  }

  async pass(forMs: number): Promise<void> {
    const untilMs = this.world.time.nowMs + forMs;
    let isOver = false;
    this.world.time.at(untilMs, () => (isOver = true));
    await this.world.time.run(() => isOver);
  }

  outputs(): readonly number[] {
    return this.#stored(OUT).map(({ payload }) => JSON.parse(Buffer.from(payload).toString()) as number);
  }

  deadLetters(): readonly { readonly code: string; readonly id: string }[] {
    const documents = [...this.#results.collection(COLLECTIONS.deadLetters).values()];
    expect(this.#stored(DEAD)).toHaveLength(documents.length);
    return documents.map(({ document: { body } }) => ({
      code: String(body['code']),
      id: String(body['eventId']),
    }));
  }

  #stored(topic: string): readonly Delivery[] {
    const partitions = Array.from({ length: this.#partitions }, (_, partition) => partition);
    return partitions.flatMap((partition) => this.#log.partition(topic, partition).stored);
  }

  #start(): void {
    const process = (this.#process = new SimulatedProcess(`host-${this.ends}`, this.world));
    const kill: Kill = () => {
      process.crash();
      throw new Error('nothing of this gets out of the process any more');
    };
    const ports = this.#ports(process);
    const host = new TaskHost(process.name, ports, { ...DEFAULT_SETTINGS, commitIntervalMs: 50 });
    const definition = defineFunction<Data, number>({
      name: 'f',
      input: 'p.enriched',
      output: 'p.out',
      ...this.handlers(kill),
    });
    for (let partition = 0; partition < this.#partitions; partition++) {
      const task = { ...TASK, partition };
      host.add({
        task,
        kind: 'committed',
        make: () => ({
          task,
          inputs: [{ topic: IN, partition, subscription: 'f', kind: 'enriched' }],
          identity: stateIdentityOf('f'),
          logic: this.#logic(definition, ports),
        }),
      });
    }
    process.onCrash.push(() => {
      this.#dead.push(process);
      this.world.time.after(this.world.random.between(1, 500), () => this.#start());
    });
  }

  #ports(process: SimulatedProcess): RuntimePorts {
    return {
      broker: new ModelBroker(this.#log, process),
      commits: new ModelCommitStore(this.#tasks, process),
      leases: new ModelLeaseStore(this.#tasks, process),
      results: new ModelResultStore(this.#results, process),
      clock: process.clock,
      telemetry: this.#telemetry,
      random: () => this.world.random.next(),
    };
  }

  #logic(
    definition: FunctionDefinition<Data, number>,
    { clock, telemetry, random }: RuntimePorts,
  ): FunctionTaskLogic {
    return new FunctionTaskLogic({
      definition: definition as unknown as FunctionDefinition,
      pipeline: 'p',
      partition: 0,
      partitions: 1,
      time: { maxOutOfOrdernessMs: 0, maxFutureSkewMs: Infinity, idleAfterMs: 1e9 },
      topics: (name) => ({ name, partitions: 1 }),
      clock,
      telemetry,
      random,
    });
  }
}

function killingOn(isPoison: (n: number) => boolean): (kill: Kill) => Handlers {
  return (kill) => ({ process: ({ data }) => (isPoison(data.n) ? kill() : data.n) });
}

function upTo(count: number, isPoison: (n: number) => boolean): number[] {
  return Array.from({ length: count }, (_, n) => n).filter((n) => !isPoison(n));
}

describe('an event that kills its process', () => {
  it('is a dead letter after three ends among others and two alone; everything else counts once', async () => {
    const poisoned = new PoisonedWorld(killingOn((n) => n === 7));
    for (let n = 0; n < 20; n += 5)
      poisoned.write({ n }, { n: n + 1 }, { n: n + 2 }, { n: n + 3 }, { n: n + 4 });
    await poisoned.pass(PATIENCE_MS);
    expect(poisoned.ends).toBe(ENDS);
    expect(poisoned.outputs()).toEqual(upTo(20, (n) => n === 7));
    expect(poisoned.deadLetters()).toEqual([{ code: 'FUNCTION_CRASHED', id: 'f/e7' }]);
  });

  it('as the very first one, before anything was committed, is found too', async () => {
    const poisoned = new PoisonedWorld(killingOn((n) => n === 0));
    poisoned.write({ n: 0 }, { n: 1 });
    await poisoned.pass(PATIENCE_MS);
    expect(poisoned.ends).toBe(ENDS);
    expect(poisoned.outputs()).toEqual([1]);
    expect(poisoned.deadLetters()).toHaveLength(1);
  });

  it('in `by`, or among async calls, is found too', async () => {
    for (const handlers of [
      (kill: Kill): Handlers => ({
        by: ({ data, key }) => (data.n === 4 ? kill() : String(key)),
        process: ({ data }) => data.n,
      }),
      (kill: Kill): Handlers => ({
        process: async ({ data }) => {
          await Promise.resolve();
          return data.n === 4 ? kill() : data.n;
        },
      }),
    ]) {
      const poisoned = new PoisonedWorld(handlers);
      poisoned.write(...upTo(8, () => false).map((n) => ({ n })));
      await poisoned.pass(PATIENCE_MS);
      expect(poisoned.ends).toBe(ENDS);
      expect(poisoned.outputs()).toEqual(upTo(8, (n) => n === 4));
      expect(poisoned.deadLetters()).toEqual([{ code: 'FUNCTION_CRASHED', id: 'f/e4' }]);
    }
  });

  it('does so from its place among the parked, while its neighbours there go on', async () => {
    const poisoned = new PoisonedWorld((kill) => ({
      process({ data }, { attempt }: FunctionContext<number>) {
        if (data.n !== 1) return data.n;
        if (attempt === 1) throw new RetryLaterError('away');
        return kill();
      },
    }));
    poisoned.write({ n: 0 }, { n: 1 }, { n: 4 }, { n: 7 }, { n: 2 });
    await poisoned.pass(PATIENCE_MS);
    expect(poisoned.ends).toBe(ENDS);
    expect([...poisoned.outputs()].sort()).toEqual([0, 2, 4, 7]);
    expect(poisoned.deadLetters()).toEqual([{ code: 'FUNCTION_CRASHED', id: 'f/e1' }]);
  });

  it('may be a timer: it becomes a dead letter, and the events around it none', async () => {
    const poisoned = new PoisonedWorld((kill) => ({
      process({ data, timeMs }, { timers }) {
        if (data.n === 1) timers.setEventTime('bad', timeMs + 500);
        if (data.n === 2) timers.setEventTime('good', timeMs + 600);
        return data.n;
      },
      onTimer: ({ name }) => (name === 'bad' ? kill() : 100),
    }));
    poisoned.write({ n: 0 }, { n: 1 }, { n: 2 });
    poisoned.write({ n: 3 }, { n: 4 }, { n: 5 });
    await poisoned.pass(PATIENCE_MS);
    expect(poisoned.ends).toBe(ENDS);
    expect([...poisoned.outputs()].sort((a, b) => a - b)).toEqual([0, 1, 2, 3, 4, 5, 100]);
    expect(poisoned.deadLetters()).toEqual([{ code: 'FUNCTION_CRASHED', id: 'f/k1/event/bad/1500' }]);
  });

  it('need not be the only one', async () => {
    const isPoison = (n: number): boolean => n === 3 || n === 4 || n === 11;
    const poisoned = new PoisonedWorld(killingOn(isPoison));
    poisoned.write(...upTo(9, () => false).map((n) => ({ n })));
    poisoned.write({ n: 9 }, { n: 10 }, { n: 11 }, { n: 12 });
    await poisoned.pass(PATIENCE_MS);
    expect(poisoned.outputs()).toEqual(upTo(13, isPoison));
    expect(poisoned.deadLetters().map(({ id }) => id)).toEqual(['f/e3', 'f/e4', 'f/e11']);
  });

  it('costs nothing before one has: the first commit after an unclean end is one more', async () => {
    const poisoned = new PoisonedWorld(killingOn(() => false));
    const write = async (n: number): Promise<number> => {
      const before = poisoned.commits;
      poisoned.write({ n });
      await poisoned.pass(5_000);
      return poisoned.commits - before;
    };
    // The event, and the note that it is delivered.
    expect([await write(0), await write(1)]).toEqual([2, 2]);
    poisoned.crash();
    await poisoned.pass(15_000);
    expect(await write(2)).toBe(3);
    expect(poisoned.outputs()).toEqual([0, 1, 2]);
  });
});

describe('the neighbours of an event that kills', () => {
  it('in other tasks of the process are not blamed for it', async () => {
    const poisoned = new PoisonedWorld(
      killingOn((n) => n === 7),
      { partitions: 3 },
    );
    poisoned.write(...upTo(30, () => false).map((n) => ({ n })));
    await poisoned.pass(PATIENCE_MS);
    expect(poisoned.ends).toBe(ENDS);
    expect([...poisoned.outputs()].sort((a, b) => a - b)).toEqual(upTo(30, (n) => n === 7));
    expect(poisoned.deadLetters()).toEqual([{ code: 'FUNCTION_CRASHED', id: 'f/e7' }]);
  });

  it('nor are those that are under way beside it, while everything is async', async () => {
    const poisoned = new PoisonedWorld(
      (kill) => ({
        process: async ({ data }) => {
          for (let turns = data.n % 5; turns >= 0; turns--) await Promise.resolve();
          return data.n === 7 || data.n === 8 ? kill() : data.n;
        },
      }),
      { partitions: 3 },
    );
    poisoned.write(...upTo(30, () => false).map((n) => ({ n })));
    await poisoned.pass(PATIENCE_MS);
    expect([...poisoned.outputs()].sort((a, b) => a - b)).toEqual(upTo(30, (n) => n === 7 || n === 8));
    expect(
      poisoned
        .deadLetters()
        .map(({ id }) => id)
        .sort(),
    ).toEqual(['f/e7', 'f/e8']);
  });
});

describe('ends that no event is to blame for', () => {
  it('while nothing runs make no dead letter, however many there are', async () => {
    const poisoned = new PoisonedWorld(killingOn(() => false));
    for (let n = 0; n < 12; n++) {
      poisoned.crash();
      await poisoned.pass(15_000);
    }
    poisoned.write({ n: 0 }, { n: 1 });
    await poisoned.pass(15_000);
    expect(poisoned.outputs()).toEqual([0, 1]);
    expect(poisoned.deadLetters()).toEqual([]);
  });

  it('at any moment, beside one that kills, lose and double nothing', async () => {
    const moments = fc.array(fc.integer({ min: 1, max: 40_000 }), { maxLength: 8 });
    const bads = fc.integer({ min: 0, max: 11 });
    const world = fc.record({ seed: fc.nat(), partitions: fc.integer({ min: 1, max: 3 }) });
    await fc.assert(
      fc.asyncProperty(moments, bads, world, async (crashes, bad, options) => {
        const poisoned = new PoisonedWorld(
          killingOn((n) => n === bad),
          options,
        );
        for (let n = 0; n < 12; n += 4) poisoned.write({ n }, { n: n + 1 }, { n: n + 2 }, { n: n + 3 });
        let atMs = 0;
        for (const ms of crashes) poisoned.world.time.at((atMs += ms), () => poisoned.crash());
        await poisoned.pass(PATIENCE_MS);
        expect([...poisoned.outputs()].sort((a, b) => a - b)).toEqual(upTo(12, (n) => n === bad));
        expect(poisoned.deadLetters()).toEqual([{ code: 'FUNCTION_CRASHED', id: `f/e${bad}` }]);
      }),
      { numRuns: RUNS },
    );
  }, 600_000);
});
