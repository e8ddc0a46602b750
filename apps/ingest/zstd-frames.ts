import { Transform, type TransformCallback } from 'node:stream';

// Frames and their parts are those of RFC 8878, chapter 3.

const FRAME_MAGIC = Buffer.from([0x28, 0xb5, 0x2f, 0xfd]);
/** The last four bits of a skippable frame's number are its writer's. */
const SKIPPABLE_MAGIC = 0x184d2a5;
const DICTIONARY_BYTES = [0, 1, 2, 4] as const;
const CONTENT_SIZE_BYTES = [0, 2, 4, 8] as const;
const CHECKSUM_BYTES = 4;
const BLOCK_HEADER_BYTES = 3;
const RUN_BLOCK = 1;
const RESERVED_BLOCK = 3;

/**
 * What is to be done with so many bytes of the body: `look` at them, look at them and pass them on (`take`), only `pass` them on, or `skip`
 * them. `magic`: look at what a frame begins with, if there is another. A frame begins and ends between two bytes.
 */
interface Wish {
  readonly kind: 'magic' | 'look' | 'take' | 'pass' | 'skip' | 'begin' | 'end';
  readonly bytes: number;
}
type Wishes<Result> = Generator<Wish, Result, Buffer>;

function* frames(): Wishes<never> {
  for (;;) {
    const magic = yield { kind: 'magic', bytes: FRAME_MAGIC.length };
    if (magic.readUInt32LE(0) >>> 4 === SKIPPABLE_MAGIC) {
      const size = yield { kind: 'look', bytes: 4 };
      yield { kind: 'skip', bytes: size.readUInt32LE(0) };
    } else if (FRAME_MAGIC.equals(magic)) {
      yield { kind: 'begin', bytes: 0 };
      yield* frame();
      yield { kind: 'end', bytes: 0 };
    } else {
      throw new Error('what stands there is no frame of zstd');
    }
  }
}

function* frame(): Wishes<void> {
  const [descriptor = 0] = yield { kind: 'take', bytes: 1 };
  const isSingleSegment = (descriptor & 0x20) !== 0;
  const sizeFlag = descriptor >> 6;
  // A size of one byte goes by the same flag as none.
  const sizeBytes = sizeFlag === 0 && isSingleSegment ? 1 : CONTENT_SIZE_BYTES[sizeFlag]!;
  const windowBytes = isSingleSegment ? 0 : 1;
  yield { kind: 'pass', bytes: windowBytes + DICTIONARY_BYTES[descriptor & 3]! + sizeBytes };
  for (let isLast = false; !isLast;) isLast = yield* block();
  if ((descriptor & 4) !== 0) yield { kind: 'pass', bytes: CHECKSUM_BYTES };
}

/** Answers whether it was the last one of its frame. */
function* block(): Wishes<boolean> {
  const header = (yield { kind: 'take', bytes: BLOCK_HEADER_BYTES }).readUIntLE(0, BLOCK_HEADER_BYTES);
  const type = (header >> 1) & 3;
  if (type === RESERVED_BLOCK) throw new Error('a block of zstd is of no known type');
  yield { kind: 'pass', bytes: type === RUN_BLOCK ? 1 : header >> 3 };
  return (header & 1) === 1;
}

/**
 * Cuts a body of zstd so that no chunk holds bytes of two frames, and leaves skippable frames out: of a chunk in which a frame ends, Node's
 * decompressor drops the rest without a word (24.21).
 */
export class ZstdFrames extends Transform {
  readonly #wishes = frames();
  #wish = this.#wishes.next().value;
  /** What is still missing of what is wished. */
  #missingBytes = this.#wish.bytes;
  /** What has come of what is looked at. */
  #seen: Buffer[] = [];
  /** What has come of the present frame in the present chunk. */
  #passed: Buffer[] = [];

  override _transform(chunk: Buffer, _encoding: string, done: TransformCallback): void {
    try {
      for (let at = 0; at < chunk.length;) {
        const bytes = chunk.subarray(at, at + this.#missingBytes);
        at += bytes.length;
        this.#take(bytes);
      }
      this.#give();
      done();
    } catch (error) {
      done(error as Error);
    }
  }

  override _flush(done: TransformCallback): void {
    const isBetweenFrames = this.#wish.kind === 'magic' && this.#missingBytes === FRAME_MAGIC.length;
    done(isBetweenFrames ? undefined : new Error('unexpected end of file'));
  }

  #take(bytes: Buffer): void {
    const { kind } = this.#wish;
    if (kind === 'take' || kind === 'pass') this.#passed.push(bytes);
    if (kind === 'take' || kind === 'look' || kind === 'magic') this.#seen.push(bytes);
    this.#missingBytes -= bytes.length;
    while (this.#missingBytes === 0) this.#advance();
  }

  #advance(): void {
    this.#wish = this.#wishes.next(Buffer.concat(this.#seen)).value;
    this.#missingBytes = this.#wish.bytes;
    this.#seen = [];
    if (this.#wish.kind === 'begin') this.#passed.push(FRAME_MAGIC);
    if (this.#wish.kind === 'end') this.#give();
  }

  #give(): void {
    if (this.#passed.length > 0) this.push(Buffer.concat(this.#passed));
    this.#passed = [];
  }
}
