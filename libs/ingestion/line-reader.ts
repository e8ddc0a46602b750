import { MAX_DEAD_ORIGINAL_BYTES, MAX_EVENT_BYTES } from '#libs/kernel';

/** A line of a body; `number` counts from 1, blank lines included. */
export type TextLine = { readonly number: number; readonly text: string } | LongLine;

/** A line above the limit: only its length and its first 8 KiB are known. */
export interface LongLine {
  readonly number: number;
  readonly tooLong: true;
  readonly bytes: number;
  readonly head: string;
}

const LINE_FEED = 10;
const CARRIAGE_RETURN = 13;
const SPACE = 32;
const BYTE_ORDER_MARK = 0xfeff;

/**
 * Cuts a stream of bytes into lines of UTF-8 text, ended by `\n` or `\r\n`; the last may lack its end. Blank lines
 * are left out. Between two chunks it holds the beginning of at most one line, and of that at most `maxLineBytes`
 * and one byte.
 *
 * A body that broke off has no {@link end}: whoever reads it leaves that call out, and half a line is no line.
 */
export class LineReader {
  readonly #maxLineBytes: number;
  #lineNumber = 1;
  #held = Buffer.alloc(0);
  #heldBytes = 0;
  /** Bytes of the present line that were counted and let go; its beginning is in `#held`. */
  #droppedBytes = 0;

  /** @param maxLineBytes without the line's end; default 256 KiB */
  constructor(maxLineBytes = MAX_EVENT_BYTES) {
    this.#maxLineBytes = maxLineBytes;
  }

  /** The lines that this chunk ends. The chunk may be reused once the generator is done. */
  *push(chunk: Uint8Array): Generator<TextLine> {
    const bytes = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength);
    let start = 0;
    for (let end = bytes.indexOf(LINE_FEED); end >= 0; end = bytes.indexOf(LINE_FEED, start)) {
      const line = this.#finish(bytes, start, end);
      start = end + 1;
      if (line !== undefined) yield line;
    }
    this.#hold(bytes, start, bytes.length);
  }

  /** The last line, if it had no end. */
  *end(): Generator<TextLine> {
    const line = this.#finish(Buffer.alloc(0), 0, 0);
    if (line !== undefined) yield line;
  }

  #finish(bytes: Buffer, start: number, end: number): TextLine | undefined {
    const number = this.#lineNumber++;
    if (this.#heldBytes === 0) return this.#lineOf(number, bytes, start, end);
    this.#hold(bytes, start, end);
    const heldBytes = this.#heldBytes;
    const line = this.#lineOf(number, this.#held, 0, heldBytes);
    this.#heldBytes = 0;
    this.#droppedBytes = 0;
    return line;
  }

  #lineOf(number: number, bytes: Buffer, start: number, end: number): TextLine | undefined {
    const contentEnd = end > start && bytes[end - 1] === CARRIAGE_RETURN ? end - 1 : end;
    const lineBytes = contentEnd - start + this.#droppedBytes;
    if (lineBytes > this.#maxLineBytes) {
      const head = bytes.toString('utf8', start, Math.min(contentEnd, start + MAX_DEAD_ORIGINAL_BYTES));
      return { number, tooLong: true, bytes: lineBytes, head };
    }
    let text = bytes.toString('utf8', start, contentEnd);
    if (number === 1 && text.charCodeAt(0) === BYTE_ORDER_MARK) text = text.slice(1);
    return isBlank(text) ? undefined : { number, text };
  }

  /** Keeps the beginning of a line. One byte more than a line may have: it might be the `\r` of its end. */
  #hold(bytes: Buffer, start: number, end: number): void {
    const room = this.#maxLineBytes + 1 - this.#heldBytes;
    const taken = Math.min(room, end - start);
    this.#droppedBytes += end - start - taken;
    if (taken === 0) return;
    this.#grow(this.#heldBytes + taken);
    bytes.copy(this.#held, this.#heldBytes, start, start + taken);
    this.#heldBytes += taken;
  }

  #grow(neededBytes: number): void {
    if (neededBytes <= this.#held.length) return;
    const grown = Buffer.alloc(
      Math.min(Math.max(neededBytes, 2 * this.#held.length), this.#maxLineBytes + 1),
    );
    this.#held.copy(grown, 0, 0, this.#heldBytes);
    this.#held = grown;
  }
}

function isBlank(text: string): boolean {
  return text.length === 0 || (text.charCodeAt(0) <= SPACE && text.trim() === '');
}
