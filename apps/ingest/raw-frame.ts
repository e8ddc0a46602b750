import type { EncodedFrame, FrameHeader, Marker } from '#libs/messaging';
import type { EventMould, MouldedEvent, NamedEvent } from './event-mould.js';
import { FrameLines, mostBytesOfNamed } from './frame-lines.js';

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

/** Whose items travel in a frame, and who wants to know what becomes of them. */
export interface FrameSender {
  /** A frame has been stored with so many events of it. */
  stored(events: number): void;
  failed(error: unknown): void;
}

/** A frame of `raw` that is filled, sealed, sent and stored, or not. */
export class RawFrame {
  /** Resolves once the log has it; rejects if it never will, from this process. */
  readonly stored: Promise<void>;
  #settle!: { resolve: () => void; reject: (error: unknown) => void };
  #bytes = 0;
  #items = 0;
  readonly #lines = new FrameLines();
  readonly #markers: Marker[] = [];
  #hasGeneratedIds = false;
  #hasLookalikeIds = false;
  /** In the order in which they came, with how many events each had. */
  readonly #senders: FrameSender[] = [];
  readonly #sentEvents: number[] = [];

  constructor(private readonly generatedIds: string) {
    this.stored = new Promise((resolve, reject) => (this.#settle = { resolve, reject }));
    // Whoever cares looks at `stored` later; nobody may care any more.
    this.stored.catch(() => undefined);
  }

  get bytes(): number {
    return this.#bytes;
  }

  get isFull(): boolean {
    return this.#items >= MAX_FRAME_ITEMS || this.#bytes >= MAX_FRAME_BYTES;
  }

  /** May this item travel in the same frame. */
  takes(item: RawItem): boolean {
    if (this.#items === 0) return true;
    if (this.#bytes + item.bytes > MAX_FRAME_BYTES) return false;
    return item.isIdGenerated
      ? !this.#hasLookalikeIds
      : !(this.#hasGeneratedIds && this.#isLookalike(item.id));
  }

  add(item: RawItem): void {
    this.#lines.add(item.line, item.bytes);
    this.#items++;
    this.#bytes += item.bytes;
    this.#hasGeneratedIds ||= item.isIdGenerated;
    this.#hasLookalikeIds ||= !item.isIdGenerated && this.#isLookalike(item.id);
  }

  /** May an event travel in the same frame whose id is made here, and that has at most so many bytes. */
  takesMoulded(mostBytes: number): boolean {
    return this.#items === 0 || (this.#bytes + mostBytes <= MAX_FRAME_BYTES && !this.#hasLookalikeIds);
  }

  /** Answers how many bytes it has as JSON. */
  addMoulded(mould: EventMould, event: MouldedEvent, idNumber: number): number {
    const bytes = this.#lines.addMoulded(mould, event, idNumber);
    this.#items++;
    this.#bytes += bytes;
    this.#hasGeneratedIds = true;
    return bytes;
  }

  /** May this event travel in the same frame. */
  takesNamed(named: NamedEvent): boolean {
    if (this.#items === 0) return true;
    if (this.#bytes + mostBytesOfNamed(named) > MAX_FRAME_BYTES) return false;
    return !(this.#hasGeneratedIds && this.#isLookalike(named.id));
  }

  /** Answers how many bytes it has as JSON. */
  addNamed(named: NamedEvent): number {
    const bytes = this.#lines.addNamed(named);
    this.#items++;
    this.#bytes += bytes;
    this.#hasLookalikeIds ||= this.#isLookalike(named.id);
    return bytes;
  }

  /** Tells `sender` what becomes of so many events. Answers whether that will be told apart from what it was promised before. */
  tell(sender: FrameSender, events: number): boolean {
    const last = this.#senders.length - 1;
    if (last >= 0 && this.#senders[last] === sender) {
      this.#sentEvents[last]! += events;
      return false;
    }
    this.#senders.push(sender);
    this.#sentEvents.push(events);
    return true;
  }

  mark(marker: Marker): void {
    this.#markers.push(marker);
  }

  /** The frame as it is sent. Called once: it lets go of the items. */
  encode(): EncodedFrame {
    const header: FrameHeader = {
      v: 1,
      kind: 'raw',
      ...(this.#hasGeneratedIds ? { generatedIds: this.generatedIds } : {}),
      ...(this.#markers.length > 0 ? { markers: this.#markers } : {}),
    };
    return this.#lines.encode(header);
  }

  succeed(): void {
    this.#settle.resolve();
    this.#senders.forEach((sender, index) => sender.stored(this.#sentEvents[index]!));
  }

  fail(error: unknown): void {
    this.#settle.reject(error);
    for (const sender of this.#senders) sender.failed(error);
  }

  /**
   * A sender's id that looks like one made here, such as that of an event which was sent again from the dead letters.
   * It may repeat, and in a frame with the header's prefix nobody would look.
   */
  #isLookalike(id: string): boolean {
    return id.startsWith(this.generatedIds);
  }
}
