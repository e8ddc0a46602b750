import { encodeFrameText, type EncodedFrame, type FrameHeader } from '#libs/messaging';
import type { EventMould, MouldedEvent } from './event-mould.js';

const NOTHING = Buffer.alloc(0);
const FIRST_BYTES = 1024;
/** What frames mostly grow to, and a little more. */
const USUAL_BYTES = 272 * 1024;
const MAX_SPARE = 16;
const LINE_FEED = 10;
const ZERO = 48;
const LETTER_A = 97;
const BASE = 36;
const CLOSING_BRACE = 125;
/** Line feed, two braces, and the digits of an id and of a time. */
const AROUND_BYTES = 48;
const LARGEST_PLAIN_TIME = 1e15;

/** Buffers that frames have let go of, whosever they were. One of this size costs more to make than to fill. */
const spare: Buffer[] = [];

/** The most bytes that an event has as JSON. */
export function mostBytesOf(mould: EventMould, { from, end }: MouldedEvent): number {
  const { beforeId, beforeTime, behindTime } = mould;
  return beforeId.length + beforeTime.length + behindTime.length + end - from + AROUND_BYTES;
}

/** The items of a frame as they travel, each behind a line feed. */
export class FrameLines {
  #bytes: Buffer = NOTHING;
  #length = 0;

  /** @param lineBytes of the line in UTF-8 */
  add(line: string, lineBytes: number): void {
    this.#reserve(lineBytes + 1);
    this.#bytes[this.#length++] = LINE_FEED;
    this.#length += this.#bytes.write(line, this.#length);
  }

  /** Answers how many bytes it has as JSON. */
  addMoulded(mould: EventMould, event: MouldedEvent, idNumber: number): number {
    this.#reserve(mostBytesOf(mould, event));
    const bytes = this.#bytes;
    bytes[this.#length] = LINE_FEED;
    const from = this.#length + 1;
    let at = writeNumber(idNumber, BASE, bytes, written(mould.beforeId, bytes, from));
    at = writeTime(event.timeMs ?? mould.receivedMs, bytes, written(mould.beforeTime, bytes, at));
    at = written(mould.behindTime, bytes, at);
    at += event.json.copy(bytes, at, event.from, event.end);
    bytes[at++] = CLOSING_BRACE;
    bytes[at++] = CLOSING_BRACE;
    this.#length = at;
    return at - from;
  }

  /** The frame of them. Called once: it lets go of them. */
  encode(header: FrameHeader): EncodedFrame {
    const encoded = encodeFrameText(header, this.#bytes.subarray(0, this.#length));
    if (this.#bytes.length === USUAL_BYTES && spare.length < MAX_SPARE) spare.push(this.#bytes);
    this.#bytes = NOTHING;
    return encoded;
  }

  #reserve(bytes: number): void {
    const needed = this.#length + bytes;
    if (needed <= this.#bytes.length) return;
    const grown = roomFor(needed);
    this.#bytes.copy(grown, 0, 0, this.#length);
    this.#bytes = grown;
  }
}

function roomFor(bytes: number): Buffer {
  if (bytes <= FIRST_BYTES) return Buffer.allocUnsafe(FIRST_BYTES);
  return bytes <= USUAL_BYTES
    ? (spare.pop() ?? Buffer.allocUnsafeSlow(USUAL_BYTES))
    : Buffer.allocUnsafeSlow(2 * bytes);
}

function written(part: Uint8Array, target: Uint8Array, at: number): number {
  target.set(part, at);
  return at + part.length;
}

function writeTime(timeMs: number, target: Buffer, at: number): number {
  if (timeMs >= 0 && timeMs < LARGEST_PLAIN_TIME) return writeNumber(timeMs, 10, target, at);
  return at + target.write(JSON.stringify(timeMs), at);
}

/** Writes a whole number, at least 0, from its last digit. */
function writeNumber(value: number, base: number, target: Uint8Array, at: number): number {
  const end = at + digitsOf(value, base);
  let rest = value;
  for (let i = end - 1; i >= at; i--) {
    const next = Math.floor(rest / base);
    const digit = rest - next * base;
    target[i] = digit < 10 ? ZERO + digit : LETTER_A + digit - 10;
    rest = next;
  }
  return end;
}

function digitsOf(value: number, base: number): number {
  let digits = 1;
  for (let bound = base; value >= bound; bound *= base) digits++;
  return digits;
}
