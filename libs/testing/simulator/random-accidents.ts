import type { CallKind } from './fault-plan.js';
import type { RandomFaults } from './random-faults.js';
import type { SeededRandom } from './seeded-random.js';
import type { Simulation } from './simulation.js';

const STORE_CALLS: readonly CallKind[] = [
  'acquire',
  'renew',
  'release',
  'attend',
  'leave',
  'roster',
  'load',
  'facts',
  'commit',
  'deliver',
];
const BROKER_CALLS: readonly CallKind[] = [
  'send',
  'open-producer',
  'open-consumer',
  'open-reader',
  'acknowledge',
  'seek',
];
const MAX_OUTAGE_MS = 8_000;
const MAX_CLOCK_JUMP_MS = 48 * 3_600_000;
/** On the average between two. */
const PAUSE_MS = 4_000;

/** What happens to processes, stores and brokers by themselves, between the calls. */
export class RandomAccidents {
  constructor(
    private readonly simulation: Simulation,
    private readonly faults: RandomFaults,
    private readonly random: SeededRandom,
  ) {}

  /** @param untilMs none after that, in time of the simulation */
  planNext(untilMs: number): void {
    const { time } = this.simulation.world;
    const delayMs = this.random.between(0, 2 * PAUSE_MS);
    if (time.nowMs + delayMs >= untilMs) return;
    time.after(delayMs, () => {
      const [name, happen] = this.random.pick(this.#accidents)!;
      this.faults.count(name);
      time.note(name);
      happen();
      this.planNext(untilMs);
    });
  }

  readonly #accidents: readonly (readonly [name: string, happen: () => void])[] = [
    ['crash at any time', () => this.simulation.anyProcess()?.crash()],
    ['pause at any time', () => this.#pause()],
    ['rebalance storm', () => this.#storm(this.random.int(1, 6))],
    [
      'forgotten producers',
      () => this.simulation.models.log.partitions().forEach((one) => one.forgetProducers()),
    ],
    ['clock jump', () => this.#jump()],
    ['outage of the store', () => this.#outage(STORE_CALLS)],
    ['outage of the broker', () => this.#outage(BROKER_CALLS)],
    ['host drained', () => this.simulation.drainAnyHost()],
    ['all hosts crash', () => this.simulation.hosts().forEach((process) => process.crash())],
  ];

  #pause(): void {
    this.simulation.anyProcess()?.pause(this.random.between(1_000, 25_000), this.random.chance(0.7));
  }

  /** Every lease expires at once, again and again. */
  #storm(times: number): void {
    this.simulation.models.tasks.expireLeases();
    if (times > 1)
      this.simulation.world.time.after(this.random.between(0, 1_500), () => this.#storm(times - 1));
  }

  /** The wall clock alone: the monotonic one never goes back. */
  #jump(): void {
    const process = this.simulation.anyProcess();
    if (process === undefined) return;
    process.wallOffsetMs = Math.floor(this.random.between(-MAX_CLOCK_JUMP_MS, MAX_CLOCK_JUMP_MS));
  }

  #outage(kinds: readonly CallKind[]): void {
    this.faults.startOutage(
      kinds,
      this.simulation.world.time.nowMs + this.random.between(500, MAX_OUTAGE_MS),
    );
  }
}
