import type { JsonObject, JsonValue } from '#libs/kernel';
import { StreamTimes, type TaskFacts, type TimeDefinition } from '#libs/windowing';
import type { Moment } from '../task-logic.js';

/** Which of the two inputs: left or stream 0, right or table 1. */
export type Place = 0 | 1;
export const PLACES: readonly Place[] = [0, 1];

export interface JoinTimesOptions {
  readonly time: TimeDefinition;
  /** Partitions of each input. */
  readonly tasks: number;
  /** Full names, by place. */
  readonly topics: readonly [string, string];
  /** The table has one time for all its streams; else each stream has its own on both sides. */
  readonly isTable: boolean;
}

/** The one stream of a table's time. */
const TABLE = 'table';

/**
 * The time of both inputs of a join. Each side's watermark is made from what came in on it; a side that is read to its end and
 * quiet for a while follows the other one, so that it does not hold it for ever.
 */
export class JoinTimes {
  readonly #sides: readonly [StreamTimes, StreamTimes];

  constructor(private readonly options: JoinTimesOptions) {
    const { time, tasks } = options;
    this.#sides = [new StreamTimes(time, tasks), new StreamTimes(time, tasks)];
  }

  /** What came in on that side has this time; undefined: it has none that counts. */
  observe(place: Place, stream: string, timeMs: number | undefined): void {
    const time = this.#sides[place].of(this.#nameOf(place, stream));
    if (timeMs === undefined) time.touch();
    else time.observe(timeMs);
  }

  touch(place: Place, stream: string): void {
    this.#sides[place].touch(this.#nameOf(place, stream));
  }

  /** Everything of the stream up to here has been seen on that side. A table is of many streams: that one of them closes is nothing to it. */
  closing(place: Place, stream: string, closeId: string): void {
    if (!this.#isTable(place)) this.#sides[place].closing(stream, closeId);
  }

  open(place: Place, stream: string): void {
    if (!this.#isTable(place)) this.#sides[place].of(stream);
  }

  readUpTo(place: Place, storedMs: number): void {
    this.#sides[place].readUpTo(storedMs);
  }

  /** Of one side; −∞ before its first event. */
  watermarkMs(place: Place, stream = TABLE): number {
    const { watermarkMs, closedUntilMs = -Infinity } = this.#sides[place].of(this.#nameOf(place, stream));
    return Math.max(watermarkMs, closedUntilMs);
  }

  /** Of both sides: what either may still bring. */
  lowestMs(stream: string): number {
    return Math.min(this.watermarkMs(0, stream), this.watermarkMs(1, stream));
  }

  get isCloseWaiting(): boolean {
    return this.#sides.some((side) => side.isCloseWaiting);
  }

  /** Nobody downstream is told of progress; taken, so that a next close can be decided. */
  takeProgress(): void {
    for (const side of this.#sides) side.takeProgress();
  }

  tick({ nowMs, siblings, caughtUp }: Moment): void {
    for (const place of PLACES) {
      if (caughtUp?.has(this.options.topics[place]) === true) this.#sides[place].readUpTo(nowMs);
      const facts = new Map([...siblings].map(([task, both]) => [task, this.#factsOf(place, both)]));
      this.#sides[place].tick({ nowMs, siblings: facts });
    }
  }

  facts(): JsonObject {
    return { sides: this.#sides.map((side) => side.facts()) };
  }

  restore(cells: ReadonlyMap<string, JsonValue>): void {
    for (const place of PLACES) {
      const prefix = prefixOf(place);
      const own = [...cells].filter(([name]) => name.startsWith(prefix));
      this.#sides[place].restore(new Map(own.map(([name, value]) => [name.slice(prefix.length), value])));
    }
  }

  *changes(): Generator<readonly [string, JsonValue | undefined]> {
    for (const place of PLACES)
      for (const [name, value] of this.#sides[place].changes()) yield [prefixOf(place) + name, value];
  }

  *cells(): Generator<readonly [string, JsonValue]> {
    for (const place of PLACES)
      for (const [name, value] of this.#sides[place].cells()) yield [prefixOf(place) + name, value];
  }

  #isTable(place: Place): boolean {
    return this.options.isTable && place === 1;
  }

  #nameOf(place: Place, stream: string): string {
    return this.#isTable(place) ? TABLE : stream;
  }

  /** What a task has told, as this side sees it: how far either side has come, and its own closings. */
  #factsOf(place: Place, both: JsonObject): JsonObject {
    const sides = (both['sides'] ?? []) as readonly TaskFacts[];
    const highest: Record<string, { highestMs: number }> = {};
    for (const { streams = {} } of sides) {
      for (const [stream, { highestMs }] of Object.entries(streams)) {
        const name = this.#nameOf(place, stream);
        highest[name] = { highestMs: Math.max(highest[name]?.highestMs ?? -Infinity, highestMs) };
      }
    }
    // A stream of the table's time is none of the other side's.
    if (this.options.isTable && place === 0) delete highest[TABLE];
    return { streams: highest, closings: { ...sides[place]?.closings } };
  }
}

function prefixOf(place: Place): string {
  return `side-${place}/`;
}
