import TinyQueue from 'tinyqueue';

interface Entry<T> {
  readonly endMs: number;
  readonly order: number;
  readonly item: T;
}

/** What has a row to be emitted, by end of window and then in order of arrival; each is in it once. */
export class DueRows<T extends object> {
  readonly #queue = new TinyQueue<Entry<T>>([], (a, b) => a.endMs - b.endMs || a.order - b.order);
  /** What was dropped, or has got another end, is still in the queue, but not here. */
  readonly #live = new Map<T, Entry<T>>();
  #order = 0;

  has(item: T): boolean {
    return this.#live.has(item);
  }

  add(item: T, endMs: number): void {
    if (this.#live.get(item)?.endMs === endMs) return;
    const entry = { endMs, order: this.#order++, item };
    this.#live.set(item, entry);
    this.#queue.push(entry);
  }

  drop(item: T): void {
    this.#live.delete(item);
  }

  /** Undefined: nothing is due. */
  get nextEndMs(): number | undefined {
    return this.#head()?.endMs;
  }

  /** Takes out the next one that ends at or before `upToMs`. */
  take(upToMs: number): T | undefined {
    const head = this.#head();
    if (head === undefined || head.endMs > upToMs) return undefined;
    this.#queue.pop();
    this.#live.delete(head.item);
    return head.item;
  }

  #head(): Entry<T> | undefined {
    for (;;) {
      const head = this.#queue.peek();
      if (head === undefined || this.#live.get(head.item) === head) return head;
      this.#queue.pop();
    }
  }
}
