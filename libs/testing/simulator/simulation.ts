import { DEFAULT_SETTINGS, type Fence, type RuntimeSettings, type TaskHost } from '#libs/functions';
import { Telemetry } from '#libs/observability';
import type { FaultPlan } from './fault-plan.js';
import { type ClientMemory, IngestWriter } from './ingest-writer.js';
import { ModelBroker } from './model-broker.js';
import { ModelTasks } from './model-commits.js';
import { ModelLog } from './model-log.js';
import { ModelResults } from './model-results.js';
import { type Damage, Oracle } from './oracle.js';
import type { SeededRandom } from './seeded-random.js';
import { type Models, startHost } from './simulated-host.js';
import { SimulatedProcess, type World } from './simulated-process.js';
import { topicSpecs } from './simulated-topics.js';
import { VirtualTime } from './virtual-time.js';
import { makeWorkload } from './workload.js';

/** What can be taken away: the fences of the runtime, and the comparison in the commit store. */
export type SimulatedFence = Fence | 'epoch-check';

export interface SimulationOptions {
  readonly random: SeededRandom;
  readonly faults: FaultPlan;
  readonly without?: readonly SimulatedFence[];
  readonly hosts: number;
  readonly clients: number;
  readonly framesPerClient: number;
  readonly partitions: number;
  /** Acknowledged messages that the broker keeps. */
  readonly keptMessages: number;
  readonly settings?: Partial<RuntimeSettings>;
  /** Commits deliver their rows and documents themselves. Default: they are delivered behind them. */
  readonly deliversResults?: boolean;
}

/** 2024-01-01 */
const START_MS = 1_704_067_200_000;
const CHECK_EVERY_MS = 1_000;
/** After everything is there: what comes now is doubled. Longer than any lease, any pause and any late call. */
const SETTLE_MS = 15_000;
/** Given up after the last accident: what is not there then is lost. */
const PATIENCE_MS = 150_000;
const MAX_RESTART_MS = 4_000;
const MAX_WRITER_PAUSE_MS = 3_000;

/** One run of the real runtime in a world of models. */
export class Simulation {
  readonly world: World;
  readonly models: Models;
  readonly events: number;
  readonly #options: SimulationOptions;
  readonly #settings: RuntimeSettings;
  /** Of all processes. */
  readonly telemetry = new Telemetry({ logLevel: 'silent' });
  readonly #clients: readonly ClientMemory[];
  readonly #oracle: Oracle;
  readonly #hosts = new Map<SimulatedProcess, TaskHost>();
  readonly #writers = new Set<SimulatedProcess>();
  readonly #everyHost: TaskHost[] = [];
  #started = 0;
  #unexpected: Error | undefined;

  constructor(options: SimulationOptions) {
    const { random, faults, without = [], partitions } = options;
    this.#options = options;
    this.world = { time: new VirtualTime(), random, faults, startMs: START_MS };
    this.#settings = {
      ...DEFAULT_SETTINGS,
      ...options.settings,
      withoutFences: new Set(without.filter((fence) => fence !== 'epoch-check')),
    };
    this.models = {
      log: new ModelLog(options.keptMessages),
      tasks: new ModelTasks(!without.includes('epoch-check')),
      results: new ModelResults(),
      deliversResults: options.deliversResults ?? false,
    };
    for (const spec of topicSpecs(partitions)) this.models.log.ensureTopic(spec);
    const workload = makeWorkload(random, options);
    this.events = workload.reduce(
      (sum, { frames }) => sum + frames.reduce((events, frame) => events + frame.events.length, 0),
      0,
    );
    this.#oracle = new Oracle(workload);
    this.#clients = workload.map((record) => ({ record, open: new Set(record.frames.keys()) }));
  }

  /** Processes that run tasks and are alive. */
  hosts(): readonly SimulatedProcess[] {
    return [...this.#hosts.keys()];
  }

  /** Undefined: none is alive. */
  anyProcess(): SimulatedProcess | undefined {
    return this.world.random.pick([...this.#hosts.keys(), ...this.#hosts.keys(), ...this.#writers]);
  }

  /** A rolling update: the process ends in order, and another takes its place. */
  drainAnyHost(): void {
    const found = this.world.random.pick([...this.#hosts]);
    if (found === undefined) return;
    const [process, host] = found;
    void host.drain().then(() => process.crash());
  }

  /**
   * Runs to the end.
   *
   * @param accidentsEndMs when the last accident has happened; from then on all goes well
   * @param onQuiet called then
   */
  async run(accidentsEndMs: number, onQuiet: () => void): Promise<Damage> {
    const { time } = this.world;
    for (let i = 0; i < this.#options.hosts; i++) this.#startHost(i);
    for (const client of this.#clients) this.#startWriter(client);
    let isOver = false;
    time.after(accidentsEndMs, () => {
      onQuiet();
      for (const process of [...this.#hosts.keys(), ...this.#writers]) process.wakeNow();
      this.#checkUntilDone(accidentsEndMs + PATIENCE_MS, () => (isOver = true));
    });
    await time.run(() => isOver || this.#unexpected !== undefined);
    this.#letGo();
    if (this.#unexpected !== undefined) throw this.#unexpected;
    return this.damage();
  }

  damage(): Damage {
    return this.#oracle.damageOf(this.models.log, this.models.results);
  }

  /** What tasks are stuck on, where they are. */
  problems(): readonly string[] {
    return [...this.#hosts].flatMap(([process, host]) =>
      host
        .statuses()
        .filter(({ problem, state }) => problem !== undefined || state === 'recovering')
        .map(({ stage, partition, state, waitingFor, problem }) =>
          [process.name, `${stage}/${partition}`, state, waitingFor, problem?.code, problem?.detail].join(
            ' ',
          ),
        ),
    );
  }

  #checkUntilDone(limitMs: number, onDone: () => void): void {
    const { time } = this.world;
    const isComplete = this.damage().findings.length === 0;
    if (isComplete) time.after(SETTLE_MS, onDone);
    else if (time.nowMs >= limitMs) onDone();
    else time.after(CHECK_EVERY_MS, () => this.#checkUntilDone(limitMs, onDone));
  }

  /** Whatever still waits in a dead process would hold on to its memory, since Node keeps signals that are listened to. */
  #letGo(): void {
    for (const process of [...this.#hosts.keys(), ...this.#writers]) process.onCrash.length = 0;
    for (const process of [...this.#hosts.keys(), ...this.#writers]) process.crash();
    for (const host of this.#everyHost) void host.abort();
  }

  #startHost(place: number): void {
    const process = new SimulatedProcess(`host-${place}#${this.#started++}`, this.world);
    const { partitions } = this.#options;
    const host = startHost(process, this.models, {
      partitions,
      settings: this.#settings,
      telemetry: this.telemetry,
    });
    this.#hosts.set(process, host);
    this.#everyHost.push(host);
    process.onCrash.push(() => {
      this.#hosts.delete(process);
      this.#restart(() => this.#startHost(place));
    });
  }

  #startWriter(client: ClientMemory): void {
    const { random } = this.world;
    const process = new SimulatedProcess(`${client.record.name}#${this.#started++}`, this.world);
    const writer = new IngestWriter(process.name, client, process, new ModelBroker(this.models.log, process));
    this.#writers.add(process);
    let isDone = false;
    process.onCrash.push(() => {
      this.#writers.delete(process);
      if (!isDone) this.#restart(() => this.#startWriter(client));
    });
    writer
      .run(() => random.between(0, MAX_WRITER_PAUSE_MS))
      .then(() => {
        isDone = true;
        process.crash();
      })
      .catch((error: unknown) => (this.#unexpected = new Error('a writer has failed', { cause: error })));
  }

  #restart(start: () => void): void {
    this.world.time.after(this.world.random.between(50, MAX_RESTART_MS), start);
  }
}
