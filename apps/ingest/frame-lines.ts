import { encodeFrameText, type EncodedFrame, type FrameHeader } from '#libs/messaging';
import type { EventMould, MouldedEvent, NamedEvent } from './event-mould.js';

const NOTHING = Buffer.alloc(0);
/** Room before the items for what the header mostly has. */
const HEADER_BYTES = 256;
const FIRST_BYTES = 1024;
/** What frames mostly grow to, and a little more. */
const USUAL_BYTES = 272 * 1024;
const MAX_SPARE = 16;
/** Of a character of a string. */
const MAX_UTF8_BYTES = 3;
const LINE_FEED = 10;
const CLOSING_BRACE = 125;
const CLOSING_BRACES = 2;

/** Buffers that frames have let go of, whosever they were. One of this size costs more to make than to fill. */
const spare: Buffer[] = [];

/** The most bytes that an event has as JSON. */
export function mostBytesOf(mould: EventMould, { from, end }: MouldedEvent): number {
  return mould.mostBytes + end - from + CLOSING_BRACES;
}

/** The same of one whose id is not made here. */
export function mostBytesOfNamed({ mould, event, idText }: NamedEvent): number {
  return mostBytesOf(mould, event) + MAX_UTF8_BYTES * idText.length;
}

/** The items of a frame as they travel, each behind a line feed. */
export class FrameLines {
  #bytes: Buffer = NOTHING;
  #length = HEADER_BYTES;

  /** @param lineBytes of the line in UTF-8 */
  add(line: string, lineBytes: number): void {
    this.#reserve(lineBytes + 1);
    this.#bytes[this.#length++] = LINE_FEED;
    this.#length += this.#bytes.write(line, this.#length);
  }

  /** Answers how many bytes it has as JSON. */
  addMoulded(mould: EventMould, event: MouldedEvent, idNumber: number): number {
    const head = mould.headOf(idNumber, event.timeMs);
    this.#reserve(head.length + event.end - event.from + CLOSING_BRACES);
    this.#bytes.set(head, this.#length);
    return this.#addData(event, this.#length + head.length);
  }

  /** Answers how many bytes it has as JSON. */
  addNamed(named: NamedEvent): number {
    this.#reserve(mostBytesOfNamed(named));
    return this.#addData(named.event, named.mould.writeNamed(named, this.#bytes, this.#length));
  }

  #addData({ json, from, end }: MouldedEvent, at: number): number {
    const bytes = this.#bytes;
    json.copy(bytes, at, from, end);
    const before = this.#length;
    this.#length = at + end - from + CLOSING_BRACES;
    bytes[this.#length - 1] = CLOSING_BRACE;
    bytes[this.#length - CLOSING_BRACES] = CLOSING_BRACE;
    // Without the line feed.
    return this.#length - before - 1;
  }

  /** The frame of them. Called once: it lets go of them. */
  encode(header: FrameHeader): EncodedFrame {
    const encoded = encodeFrameText(header, this.#bytes.subarray(0, this.#length), HEADER_BYTES);
    if (this.#bytes.length === USUAL_BYTES && spare.length < MAX_SPARE) spare.push(this.#bytes);
    this.#bytes = NOTHING;
    return encoded;
  }

  #reserve(bytes: number): void {
    const needed = this.#length + bytes;
    if (needed <= this.#bytes.length) return;
    const grown = roomFor(needed);
    if (this.#length > HEADER_BYTES) this.#bytes.copy(grown, HEADER_BYTES, HEADER_BYTES, this.#length);
    this.#bytes = grown;
  }
}

function roomFor(bytes: number): Buffer {
  if (bytes <= FIRST_BYTES) return Buffer.allocUnsafe(FIRST_BYTES);
  return bytes <= USUAL_BYTES
    ? (spare.pop() ?? Buffer.allocUnsafeSlow(USUAL_BYTES))
    : Buffer.allocUnsafeSlow(2 * bytes);
}
