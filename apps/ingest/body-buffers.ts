const BUFFER_BYTES = 128 * 1024;
const MAX_SPARE = 64;

/**
 * Memory for bodies that come in several pieces, used again for others: it lies outside of the heap, and each time that enough of it
 * is given away the garbage collector looks through the whole heap.
 */
export class BodyBuffers {
  readonly #spare: Buffer[] = [];
  readonly #ours = new WeakSet<object>();

  /** The pieces side by side. Who reads them may give them back by {@link letGo}. */
  joined(pieces: readonly Buffer[], bytes: number): Buffer {
    if (bytes > BUFFER_BYTES) return Buffer.concat(pieces, bytes);
    const buffer = this.#spare.pop() ?? this.#newBuffer();
    let at = 0;
    for (const piece of pieces) at += piece.copy(buffer, at);
    return buffer.subarray(0, bytes);
  }

  /** Nobody reads this body any more; called once for each. @param body may be another's */
  letGo(body: Buffer): void {
    if (!this.#ours.has(body.buffer) || this.#spare.length >= MAX_SPARE) return;
    this.#spare.push(Buffer.from(body.buffer, 0, BUFFER_BYTES));
  }

  #newBuffer(): Buffer {
    const buffer = Buffer.allocUnsafeSlow(BUFFER_BYTES);
    this.#ours.add(buffer.buffer);
    return buffer;
  }
}
