/** An event that is as its schema wants it, and whose data need not be built and printed again. */
export interface PlainEvent {
  readonly kind: 'plain';
  /** The sender's; it stands in JSON as it is. Absent: none was sent. */
  readonly id: string | undefined;
  /** Epoch milliseconds; NaN: none was sent. */
  readonly timeMs: number;
  /** Holds the members of the data at `[from, end)`, side by side, as they were sent and without a line break. */
  readonly json: Buffer;
  readonly from: number;
  readonly end: number;
}

/** Any other value of a body. */
export interface OtherValue {
  readonly kind: 'other';
  readonly value: unknown;
}

const FIRST_EVENTS = 512;
/** Where the data of the event begins that stands there. */
const OTHER = -1;
const JOINED = -2;
const NOTHING: Buffer = Buffer.alloc(0);

/**
 * The events of a body, in columns: an object for each would live until the log has stored it, and the garbage collector would
 * have more to do than the scanner.
 */
export class ScannedEvents {
  #length = 0;
  #times = new Float64Array(FIRST_EVENTS);
  /** From and end of each. */
  #stretches = new Int32Array(2 * FIRST_EVENTS);
  /** By place, as far as there are any. */
  readonly #ids: string[] = [];
  readonly #others = new Map<number, OtherValue>();
  /** Data that stood in several stretches. */
  readonly #joined = new Map<number, Buffer>();
  #body = NOTHING;
  readonly #event = new FoundEvent();

  get length(): number {
    return this.#length;
  }

  /** For how many events there is room as it is. */
  get capacity(): number {
    return this.#times.length;
  }

  /** Forgets what was there. @param body what the events to come stand in */
  begin(body: Buffer): void {
    this.#length = 0;
    this.#body = body;
    this.#ids.length = 0;
    if (this.#others.size > 0) this.#others.clear();
    if (this.#joined.size > 0) this.#joined.clear();
  }

  /** Adds an event whose data stands in the body. @param timeMs NaN: it has none */
  addPlain(timeMs: number, from: number, end: number): void {
    const at = this.#length;
    if (at === this.#times.length) this.#grow();
    this.#times[at] = timeMs;
    this.#stretches[2 * at] = from;
    this.#stretches[2 * at + 1] = end;
    this.#length = at + 1;
  }

  /** Adds an event whose data is all of `data`. */
  addJoined(timeMs: number, data: Buffer): void {
    this.#joined.set(this.#length, data);
    this.addPlain(timeMs, JOINED, data.length);
  }

  addOther(value: unknown): void {
    this.#others.set(this.#length, { kind: 'other', value });
    this.addPlain(NaN, OTHER, OTHER);
  }

  /** The event that was added last has this id. */
  identify(id: string): void {
    this.#ids[this.#length - 1] = id;
  }

  /** What stands there. A plain event is the same object for every place: it holds until the next call. */
  at(index: number): PlainEvent | OtherValue {
    const from = this.#stretches[2 * index]!;
    if (from === OTHER) return this.#others.get(index)!;
    const event = this.#event;
    event.id = this.#ids[index];
    event.timeMs = this.#times[index]!;
    event.json = from === JOINED ? this.#joined.get(index)! : this.#body;
    event.from = from === JOINED ? 0 : from;
    event.end = this.#stretches[2 * index + 1]!;
    return event;
  }

  /** Up to where, from `from` on and no further than `most` places, plain events without an id stand side by side. */
  endOfNameless(from: number, most: number): number {
    const limit = Math.min(from + most, this.#length);
    let at = from;
    while (at < limit && this.#stretches[2 * at] !== OTHER && this.#ids[at] === undefined) at++;
    return at;
  }

  /** Lets go of the body. */
  clear(): void {
    this.begin(NOTHING);
    this.#event.json = NOTHING;
  }

  #grow(): void {
    const times = new Float64Array(2 * this.#times.length);
    const stretches = new Int32Array(2 * this.#stretches.length);
    times.set(this.#times);
    stretches.set(this.#stretches);
    this.#times = times;
    this.#stretches = stretches;
  }
}

class FoundEvent implements PlainEvent {
  readonly kind = 'plain';
  id: string | undefined;
  timeMs = NaN;
  json = NOTHING;
  from = 0;
  end = 0;
}
