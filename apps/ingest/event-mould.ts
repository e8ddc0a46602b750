import { PrintedNumber } from './printed-number.js';

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
const ID_BASE = 36;
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
  #head: Buffer = Buffer.alloc(0);
  readonly #id = new PrintedNumber(ID_BASE);
  readonly #time = new PrintedNumber(10);
  #idEnd = 0;

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
    if (!this.#id.fits(idNumber) || !this.#time.fits(time)) return this.#made(idNumber, time);
    this.#id.become(idNumber);
    this.#time.become(time);
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
    // Whatever the number of the id.
    const head = this.headOf(this.#id.value, event.timeMs);
    return idEnd + head.copy(target, idEnd, this.#idEnd);
  }

  #made(idNumber: number, time: number): Buffer {
    const id = this.#beforeId + idNumber.toString(ID_BASE);
    const head = id + this.#beforeTime + String(time);
    this.#head = Buffer.from(head + this.#behindTime);
    this.#idEnd = Buffer.byteLength(id);
    this.#id.standsIn(this.#head, this.#idEnd, idNumber);
    this.#time.standsIn(this.#head, Buffer.byteLength(head), time);
    return this.#head;
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
