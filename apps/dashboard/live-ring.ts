/** The events of the live stream, as the page listens for them. */
export type LiveEventType = 'snapshot' | 'points' | 'stages' | 'alerts' | 'fates' | 'heartbeat';

/** One server-sent event, written once for all who get it. */
export interface LiveEntry {
  readonly id: number;
  /** Only for those who look at this stream; absent: for all. */
  readonly stream?: string;
  readonly text: string;
}

const DEFAULT_MAX_ENTRIES = 4_096;
const DEFAULT_MAX_CHARACTERS = 8 * 1024 * 1024;

/**
 * The latest events of the live stream, bounded in number and size: whoever fell behind or was away reads on from
 * here, and takes a fresh snapshot if what it needs is gone.
 *
 * R1. Ids are contiguous and ascend. They begin at the wall clock in microseconds, so that an id of an earlier
 *     process, or of another replica, is below the first one of this ring and never mistaken for one of its own.
 */
export class LiveRing {
  readonly #entries = new Map<number, LiveEntry>();
  readonly #maxEntries: number;
  readonly #maxCharacters: number;
  #characters = 0;
  #lastId: number;
  #droppedId: number;

  constructor(
    nowMs: number,
    { maxEntries = DEFAULT_MAX_ENTRIES, maxCharacters = DEFAULT_MAX_CHARACTERS } = {},
  ) {
    this.#lastId = nowMs * 1_000;
    this.#droppedId = this.#lastId;
    this.#maxEntries = maxEntries;
    this.#maxCharacters = maxCharacters;
  }

  /** Of the newest event; before the first, the id that stands in front of it. */
  get lastId(): number {
    return this.#lastId;
  }

  /** Can everything after `id` be read here. */
  reachesBackTo(id: number): boolean {
    return Number.isSafeInteger(id) && id >= this.#droppedId && id <= this.#lastId;
  }

  get(id: number): LiveEntry | undefined {
    return this.#entries.get(id);
  }

  add(type: LiveEventType, data: object, stream?: string): void {
    const id = ++this.#lastId;
    const text = eventText(id, type, data);
    this.#entries.set(id, { id, text, ...(stream === undefined ? {} : { stream }) });
    this.#characters += text.length;
    while (this.#entries.size > this.#maxEntries || this.#characters > this.#maxCharacters)
      this.#dropOldest();
  }

  #dropOldest(): void {
    const id = ++this.#droppedId;
    this.#characters -= this.#entries.get(id)?.text.length ?? 0;
    this.#entries.delete(id);
  }
}

/** An event in the format of server-sent events; JSON has no line breaks of its own. */
export function eventText(id: number, type: LiveEventType, data: object): string {
  return `id: ${id}\nevent: ${type}\ndata: ${JSON.stringify(data)}\n\n`;
}
