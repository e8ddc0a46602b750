import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  DEFAULT_SETTINGS,
  defineFunction,
  FunctionTaskLogic,
  stateIdentityOf,
  TaskHost,
} from '#libs/functions';
import { SystemClock } from '#libs/kernel';
import {
  BEFORE_FIRST,
  encodeFrame,
  type MessageProducer,
  type MessageReader,
  partitionOf,
  type Position,
} from '#libs/messaging';
import { EmbeddedBroker } from '#libs/messaging-embedded';
import { Telemetry } from '#libs/observability';
import { EmbeddedStore } from '#libs/storage-embedded';

export const KEYS = 1_000;
const PARTITIONS = 4;
const EVENTS_PER_SECOND = 5_000;
const SECONDS = 8;
const TICK_MS = 20;
/** The first second is for the compiler. */
const WARM_UP_MS = 1_000;
/** Far longer than a commit and its delivery. */
const QUIET_MS = 20_000;
const IN = 'p.enriched';
const OUT = 'p.out';
const DEAD = 'p.dead';

/** What one run gives, of all keys but the poisoned one. */
export interface RunFigures {
  readonly latenciesMs: readonly number[];
  /** Keys whose last count is not the number of their events. */
  readonly differing: number;
}

interface Output {
  readonly key: string;
  readonly count: number;
  readonly sentMs: number;
}

type Fail = (() => never | Promise<never>) | undefined;

/** One run in a folder of its own. */
export class PoisonRun {
  readonly #clock = new SystemClock();
  readonly #telemetry = new Telemetry({ logLevel: 'silent' });
  readonly #sent = new Map<string, number>();
  readonly #counted = new Map<string, number>();
  readonly #latenciesMs: number[] = [];
  readonly #entries = new Array<number>(PARTITIONS).fill(0);
  #isOver = false;

  private constructor(
    private readonly poison: string,
    private readonly fail: Fail,
  ) {}

  /** @param fail what the handler does with the poisoned key; undefined: as with every other */
  static async measure(poison: string, fail: Fail): Promise<RunFigures> {
    const folder = mkdtempSync(join(tmpdir(), 'millrace-bench-'));
    // The timers of our clock keep no process alive.
    const alive = setInterval(() => undefined, 1_000);
    try {
      return await new PoisonRun(poison, fail).#run(folder);
    } finally {
      clearInterval(alive);
      rmSync(folder, { recursive: true, force: true });
    }
  }

  async #run(folder: string): Promise<RunFigures> {
    const tools = { clock: this.#clock, telemetry: this.#telemetry };
    const broker = await EmbeddedBroker.open({ folder: join(folder, 'log'), maxBytes: 2 ** 31, ...tools });
    const store = await EmbeddedStore.open({ folder: join(folder, 'store'), clock: this.#clock });
    await broker.ensureTopic({ name: IN, partitions: PARTITIONS, subscriptions: ['f'] });
    await broker.ensureTopic({ name: OUT, partitions: PARTITIONS });
    await broker.ensureTopic({ name: DEAD, partitions: 1 });
    const { commits, leases, results } = store;
    const host = new TaskHost(
      'bench',
      { broker, commits, leases, results, random: Math.random, ...tools },
      DEFAULT_SETTINGS,
    );
    for (let partition = 0; partition < PARTITIONS; partition++) this.#addTask(host, partition);
    await this.#sendAndRead(broker);
    await host.abort();
    await broker.close();
    await store.close();
    return { latenciesMs: this.#latenciesMs, differing: this.#differing() };
  }

  async #sendAndRead(broker: EmbeddedBroker): Promise<void> {
    const readers: Promise<void>[] = [];
    const producers: MessageProducer[] = [];
    const startMs = performance.now();
    for (let partition = 0; partition < PARTITIONS; partition++) {
      const reader = await broker.openReader({ topic: OUT, partition, from: 'earliest' });
      readers.push(this.#read(reader, startMs + WARM_UP_MS));
      producers.push(await broker.openProducer({ topic: IN, partition, producerName: 'enrich' }));
    }
    await this.#send(producers, startMs);
    await this.#untilCounted();
    this.#isOver = true;
    await Promise.all(readers);
  }

  async #send(producers: readonly MessageProducer[], startMs: number): Promise<void> {
    const total = EVENTS_PER_SECOND * SECONDS;
    for (let sent = 0; sent < total;) {
      const due = Math.min(total, Math.floor(((performance.now() - startMs) * EVENTS_PER_SECOND) / 1_000));
      if (due > sent) await this.#sendFrames(producers, sent, due);
      sent = due;
      await this.#clock.sleep(TICK_MS);
    }
  }

  async #sendFrames(producers: readonly MessageProducer[], from: number, to: number): Promise<void> {
    const lines: string[][] = producers.map(() => []);
    const nowMs = Date.now();
    for (let n = from; n < to; n++) {
      const key = `key-${n % KEYS}`;
      this.#sent.set(key, (this.#sent.get(key) ?? 0) + 1);
      const data = { sentMs: performance.now() };
      const event = { id: `e${n}`, stream: 's', timeMs: nowMs, receivedMs: nowMs, key, type: 't', data };
      lines[partitionOf(key, PARTITIONS)]?.push(JSON.stringify(event));
    }
    await Promise.all(
      producers.map((producer, partition) => this.#sendFrame(producer, partition, lines[partition] ?? [])),
    );
  }

  async #sendFrame(producer: MessageProducer, partition: number, lines: readonly string[]): Promise<void> {
    if (lines.length === 0) return;
    const entry = this.#entries[partition] ?? 0;
    this.#entries[partition] = entry + 1;
    const at = (place: number): Position => (place < 0 ? BEFORE_FIRST : [0, place, 0, 0]);
    const covers = { after: at(entry - 1), upTo: at(entry) };
    await producer.send(encodeFrame({ v: 1, kind: 'enriched', covers }, lines));
  }

  async #read(reader: MessageReader, measuredFromMs: number): Promise<void> {
    while (!this.#isOver) {
      const deliveries = await reader.receive({ maxMessages: 1_000, maxBytes: 2 ** 24, waitMs: 100 });
      const seenMs = performance.now();
      for (const { payload } of deliveries) {
        const { key, count, sentMs } = JSON.parse(Buffer.from(payload).toString()) as Output;
        this.#counted.set(key, count);
        if (key !== this.poison && sentMs >= measuredFromMs) this.#latenciesMs.push(seenMs - sentMs);
      }
    }
    await reader.close();
  }

  /** Until every other key has its count, or nothing has come for so long that nothing will. */
  async #untilCounted(): Promise<void> {
    for (let quietMs = 0, seen = -1; quietMs < QUIET_MS && this.#differing() > 0; quietMs += TICK_MS) {
      if (this.#latenciesMs.length !== seen) quietMs = 0;
      seen = this.#latenciesMs.length;
      await this.#clock.sleep(TICK_MS);
    }
  }

  #differing(): number {
    const others = [...this.#sent].filter(([key]) => key !== this.poison);
    return others.filter(([key, count]) => this.#counted.get(key) !== count).length;
  }

  #addTask(host: TaskHost, partition: number): void {
    const task = { pipeline: 'p', stage: 'f', partition };
    const { poison, fail } = this;
    const definition = defineFunction<{ sentMs: number }, Output>({
      name: 'f',
      input: IN,
      output: OUT,
      process({ data }, { key, state }) {
        if (key === poison && fail !== undefined) return fail();
        const cell = state.value<number>('count');
        const count = (cell.get() ?? 0) + 1;
        cell.set(count);
        return { key, count, sentMs: data.sentMs };
      },
    });
    const make = (): FunctionTaskLogic =>
      new FunctionTaskLogic({
        definition: definition as never,
        pipeline: 'p',
        partition,
        partitions: PARTITIONS,
        time: { maxOutOfOrdernessMs: 0, maxFutureSkewMs: 60_000, idleAfterMs: 60_000 },
        topics: (name) => ({ name, partitions: name === DEAD ? 1 : PARTITIONS }),
        clock: this.#clock,
        telemetry: this.#telemetry,
        random: Math.random,
      });
    host.add({
      task,
      kind: 'committed',
      make: () => ({
        task,
        inputs: [{ topic: IN, partition, subscription: 'f', kind: 'enriched' }],
        identity: stateIdentityOf('f'),
        logic: make(),
      }),
    });
  }
}
