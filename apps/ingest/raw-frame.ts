import { type EncodedFrame, encodeFrame, type Marker } from '#libs/messaging';

/** The most items of a frame, and the most bytes of more than one. A frame of one item may be as large as an event. */
export const MAX_FRAME_ITEMS = 500;
export const MAX_FRAME_BYTES = 256 * 1024;

/** An event, or a dead one, on its way to a partition. */
export interface RawItem {
  readonly id: string;
  /** Was the id made here, so that nobody can have sent it before. */
  readonly isIdGenerated: boolean;
  /** The item as JSON, without a line break. */
  readonly line: string;
  readonly bytes: number;
}

/** A frame of `raw` that is filled, sealed, sent and stored, or not. */
export class RawFrame {
  /** Resolves once the log has it; rejects if it never will, from this process. */
  readonly stored: Promise<void>;
  #settle!: { resolve: () => void; reject: (error: unknown) => void };
  #bytes = 0;
  readonly #lines: string[] = [];
  readonly #markers: Marker[] = [];
  #hasGeneratedIds = false;
  #hasLookalikeIds = false;

  constructor(private readonly generatedIds: string) {
    this.stored = new Promise((resolve, reject) => (this.#settle = { resolve, reject }));
    // Whoever cares looks at `stored` later; nobody may care any more.
    this.stored.catch(() => undefined);
  }

  get bytes(): number {
    return this.#bytes;
  }

  get isFull(): boolean {
    return this.#lines.length >= MAX_FRAME_ITEMS || this.#bytes >= MAX_FRAME_BYTES;
  }

  /** May this item travel in the same frame. */
  takes(item: RawItem): boolean {
    if (this.#lines.length === 0) return true;
    if (this.#bytes + item.bytes > MAX_FRAME_BYTES) return false;
    return item.isIdGenerated ? !this.#hasLookalikeIds : !(this.#hasGeneratedIds && this.#isLookalike(item));
  }

  add(item: RawItem): void {
    this.#lines.push(item.line);
    this.#bytes += item.bytes;
    this.#hasGeneratedIds ||= item.isIdGenerated;
    this.#hasLookalikeIds ||= !item.isIdGenerated && this.#isLookalike(item);
  }

  mark(marker: Marker): void {
    this.#markers.push(marker);
  }

  encode(): EncodedFrame {
    const header = {
      v: 1 as const,
      kind: 'raw' as const,
      ...(this.#hasGeneratedIds ? { generatedIds: this.generatedIds } : {}),
      ...(this.#markers.length > 0 ? { markers: this.#markers } : {}),
    };
    return encodeFrame(header, this.#lines);
  }

  succeed(): void {
    this.#settle.resolve();
  }

  fail(error: unknown): void {
    this.#settle.reject(error);
  }

  /**
   * A sender's id that looks like one made here, such as that of an event which was sent again from the dead letters.
   * It may repeat, and in a frame with the header's prefix nobody would look.
   */
  #isLookalike(item: RawItem): boolean {
    return item.id.startsWith(this.generatedIds);
  }
}
