/** An event whose data is not printed again: its members stand in `json` at `[from, end)`. */
export interface MouldedEvent {
  /** NaN: it says none. */
  readonly timeMs: number;
  readonly json: Buffer;
  readonly from: number;
  readonly end: number;
}

/** An event whose id was sent, or made up of an idempotency key. */
export interface NamedEvent {
  readonly id: string;
  /** The id as it stands in JSON. */
  readonly idText: string;
  readonly mould: EventMould;
  readonly event: MouldedEvent;
}

/** What all events have in common that are received in one moment. */
export interface MouldPlace {
  readonly stream: string;
  readonly type: string;
  readonly receivedMs: number;
}

/** What stands before the id. */
const BEFORE_ID = Buffer.from('\n{"id":"');
const BASE = 36;
const ZERO = 48;
const LETTER_A = 97;
/** Two halves of these have 31 bits at most, with which dividing is several times faster. */
const ID_HALF = BASE ** 5;
const TIME_HALF = 1e7;
const LARGEST_ID = ID_HALF * ID_HALF - 1;
const LARGEST_TIME = TIME_HALF * TIME_HALF - 1;
/** The most digits of an id and of a time. */
const DIGITS_BYTES = 32;

/** What an event looks like around its id, its time and its data, as {@link encodeEvent} prints it. */
export class EventMould {
  readonly #beforeId: string;
  readonly #beforeTime: string;
  readonly #behindTime: string;
  readonly #receivedMs: number;
  /** The most bytes of a head, without an id that is not made here. */
  readonly mostBytes: number;
  #head = Buffer.alloc(0);
  // Where the digits stand in it, and up to where.
  #idAt = 0;
  #idEnd = 0;
  #timeAt = 0;
  #timeEnd = 0;

  /** @param generatedIds what ids begin with that are made here */
  constructor(generatedIds: string, { stream, type, receivedMs }: MouldPlace) {
    this.#beforeId = BEFORE_ID.toString() + JSON.stringify(generatedIds).slice(1, -1);
    this.#beforeTime = `","stream":${JSON.stringify(stream)},"timeMs":`;
    this.#behindTime = `,"receivedMs":${receivedMs},"type":${JSON.stringify(type)},"data":{`;
    this.#receivedMs = receivedMs;
    const texts = this.#beforeId + this.#beforeTime + this.#behindTime;
    this.mostBytes = Buffer.byteLength(texts) + DIGITS_BYTES;
  }

  get receivedMs(): number {
    return this.#receivedMs;
  }

  /**
   * What stands before the members of the data, with a line feed in front; behind them come two braces. It holds until the next call:
   * from one event to the next only digits change.
   */
  headOf(idNumber: number, timeMs: number): Buffer {
    const time = Number.isNaN(timeMs) ? this.#receivedMs : timeMs;
    const isPlain = time >= 0 && time <= LARGEST_TIME && idNumber <= LARGEST_ID;
    const fits =
      isPlain &&
      digitsOf(idNumber, BASE) === this.#idEnd - this.#idAt &&
      digitsOf(time, 10) === this.#timeEnd - this.#timeAt;
    if (!fits) return this.#made(idNumber, time, isPlain);
    writeId(idNumber, this.#head, this.#idAt, this.#idEnd);
    writeTime(time, this.#head, this.#timeAt, this.#timeEnd);
    return this.#head;
  }

  /**
   * Writes the same of an event with another id, and answers where its members begin.
   *
   * @param target has room for {@link mostBytes} and the id
   */
  writeNamed({ idText, event }: NamedEvent, target: Buffer, at: number): number {
    const idAt = at + BEFORE_ID.copy(target, at);
    const idEnd = idAt + target.write(idText, idAt);
    return idEnd + this.headOf(0, event.timeMs).copy(target, idEnd, this.#idEnd);
  }

  #made(idNumber: number, time: number, isPlain: boolean): Buffer {
    const id = this.#beforeId + idNumber.toString(BASE);
    const head = id + this.#beforeTime + String(time);
    const bytes = Buffer.from(head + this.#behindTime);
    this.#idEnd = Buffer.byteLength(id);
    // Without digits, it fits nothing.
    this.#idAt = this.#idEnd;
    if (!isPlain) return bytes;
    this.#head = bytes;
    this.#idAt = this.#idEnd - digitsOf(idNumber, BASE);
    this.#timeEnd = Buffer.byteLength(head);
    this.#timeAt = this.#timeEnd - digitsOf(time, 10);
    return bytes;
  }
}

const MAX_KEPT = 1_000;

/** The moulds of this moment: many requests of a stream come in one. */
export class EventMoulds {
  readonly #kept = new Map<string, EventMould>();

  /** @param generatedIds what ids begin with that are made here */
  constructor(private readonly generatedIds: string) {}

  of(place: MouldPlace): EventMould {
    const name = `${place.stream} ${place.type}`;
    const kept = this.#kept.get(name);
    if (kept?.receivedMs === place.receivedMs) return kept;
    if (kept === undefined && this.#kept.size >= MAX_KEPT) this.#kept.clear();
    const mould = new EventMould(this.generatedIds, place);
    this.#kept.set(name, mould);
    return mould;
  }
}

function digitsOf(value: number, base: number): number {
  let digits = 1;
  for (let bound = base; value >= bound; bound *= base) digits++;
  return digits;
}

function writeId(value: number, target: Uint8Array, from: number, end: number): void {
  const high = Math.floor(value / ID_HALF);
  let at = end;
  let rest = (value - high * ID_HALF) | 0;
  for (const stop = Math.max(from, end - 5); at > stop;) {
    const digit = (rest % BASE) | 0;
    rest = (rest / BASE) | 0;
    target[--at] = digit < 10 ? ZERO + digit : LETTER_A - 10 + digit;
  }
  if (at > from) writeId(high, target, from, at);
}

function writeTime(value: number, target: Uint8Array, from: number, end: number): void {
  const high = Math.floor(value / TIME_HALF);
  const middle = Math.max(from, end - 7);
  writeDecimal((value - high * TIME_HALF) | 0, target, middle, end);
  if (middle > from) writeDecimal(high | 0, target, from, middle);
}

function writeDecimal(value: number, target: Uint8Array, from: number, end: number): void {
  let rest = value | 0;
  for (let at = end - 1; at >= from; at--) {
    const next = (rest / 10) | 0;
    target[at] = ZERO + rest - next * 10;
    rest = next;
  }
}
