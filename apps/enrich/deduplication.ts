import type { JsonValue } from '#libs/kernel';

/** The most ids that one partition remembers, whatever the horizon. */
const MAX_IDS = 1_000_000;
const PREFIX = 'ids/';
/** Programs that do not know this cell pass over it: they claim more than they have, and count the same. */
const LOST = 'lost';

type Entry = readonly [key: string, receivedMs: number];

/**
 * The ids of the last events of a partition, so that a repeat is counted once. Looks only at ids and recorded
 * times: the same input gives the same answers after a restart. What each commit adds is one cell.
 */
export class Deduplication {
  /** Key → when its first event was received; in the order of arrival. */
  readonly #seen = new Map<string, number>();
  #added: Entry[] = [];
  #nextSegment = 0;
  readonly #segments = new Map<string, { readonly entries: readonly Entry[]; readonly newestMs: number }>();
  readonly #dropped: string[] = [];
  #newestMs = -Infinity;
  /** When the newest id that is not remembered any more was received, for whatever reason it went. */
  #lostMs = -Infinity;
  #storedLostMs = -Infinity;

  /**
   * @param horizonMs how long an id is remembered, by recorded arrival; 0: not at all
   * @param maxIds the most ids remembered; the oldest go first
   */
  constructor(
    private readonly horizonMs: number,
    private readonly maxIds = MAX_IDS,
  ) {}

  /** Has an event of this stream and id been seen within the horizon; remembers it if not. */
  isRepeat(stream: string, id: string, receivedMs: number): boolean {
    if (this.horizonMs === 0) {
      this.#lose(receivedMs);
      return false;
    }
    const key = `${stream}\n${id}`;
    const firstMs = this.#seen.get(key);
    if (firstMs !== undefined && receivedMs - firstMs < this.horizonMs) return true;
    this.#seen.set(key, receivedMs);
    this.#added.push([key, receivedMs]);
    if (receivedMs > this.#newestMs) this.#newestMs = receivedMs;
    return false;
  }

  /**
   * How far back ids are remembered: less than the horizon where there was no room for them all, and where the horizon was
   * shorter before. Milliseconds.
   */
  get effectiveHorizonMs(): number {
    return Math.max(0, Math.min(this.horizonMs, this.#newestMs - this.#lostMs));
  }

  restore(cells: ReadonlyMap<string, JsonValue>): void {
    const segments = [...cells].filter(([name]) => name.startsWith(PREFIX));
    segments.sort(([a], [b]) => segmentNumber(a) - segmentNumber(b));
    for (const [name, value] of segments) {
      this.#addSegment(name, value as unknown as readonly Entry[]);
      this.#nextSegment = segmentNumber(name) + 1;
    }
    const lostMs = cells.get(LOST);
    if (typeof lostMs === 'number') this.#storedLostMs = this.#lostMs = lostMs;
  }

  /** What changed since the last call: a cell for what was added, and those that are too old, removed. */
  *changes(): Generator<[string, JsonValue | undefined]> {
    if (this.#added.length > 0) {
      const name = `${PREFIX}${this.#nextSegment++}`;
      this.#addSegment(name, this.#added);
      yield [name, this.#added];
      this.#added = [];
    }
    this.#forgetOld();
    for (const name of this.#dropped.splice(0)) yield [name, undefined];
    if (this.#lostMs === this.#storedLostMs) return;
    this.#storedLostMs = this.#lostMs;
    yield [LOST, this.#lostMs];
  }

  *cells(): Generator<[string, JsonValue]> {
    for (const [name, { entries }] of this.#segments) yield [name, entries];
    if (this.#storedLostMs > -Infinity) yield [LOST, this.#storedLostMs];
  }

  #addSegment(name: string, entries: readonly Entry[]): void {
    let newestMs = -Infinity;
    for (const [key, receivedMs] of entries) {
      this.#seen.set(key, receivedMs);
      newestMs = Math.max(newestMs, receivedMs);
    }
    this.#newestMs = Math.max(this.#newestMs, newestMs);
    this.#segments.set(name, { entries, newestMs });
  }

  /** Segments go as a whole, once their newest id is past the horizon or there is no room. */
  #forgetOld(): void {
    for (const [name, { entries, newestMs }] of this.#segments) {
      if (newestMs > this.#newestMs - this.horizonMs && this.#seen.size <= this.maxIds) return;
      // An id that came again after the horizon lives on in a later segment.
      for (const [key, receivedMs] of entries) if (this.#seen.get(key) === receivedMs) this.#seen.delete(key);
      this.#lose(newestMs);
      this.#segments.delete(name);
      this.#dropped.push(name);
    }
  }

  #lose(receivedMs: number): void {
    this.#lostMs = Math.max(this.#lostMs, receivedMs);
  }
}

function segmentNumber(name: string): number {
  return Number(name.slice(PREFIX.length));
}
