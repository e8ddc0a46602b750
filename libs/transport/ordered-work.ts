/** Something to do, in the lane of its key. */
export interface LanedItem {
  /** What is in one lane is done in order, one at a time. */
  readonly lane: string;
}

/**
 * Does things side by side, in order within each lane. What waits is bounded by whoever adds.
 *
 * @param work must not reject
 */
export class OrderedWork<Item extends LanedItem> {
  readonly #lanes = new Map<string, Item[]>();
  /** Lanes whose first item may begin. */
  readonly #ready: string[] = [];
  #running = 0;
  #isStopped = false;
  #onSettled: () => void = () => undefined;

  constructor(
    private readonly maxRunning: number,
    private readonly work: (item: Item) => Promise<void>,
  ) {}

  add(item: Item): void {
    const { lane } = item;
    const waiting = this.#lanes.get(lane);
    if (waiting !== undefined) return void waiting.push(item);
    this.#lanes.set(lane, [item]);
    this.#ready.push(lane);
    this.#begin();
  }

  /** Begins nothing further. Resolves when what has begun has ended. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    if (this.#running > 0) await new Promise<void>((settled) => (this.#onSettled = settled));
  }

  #begin(): void {
    while (!this.#isStopped && this.#running < this.maxRunning) {
      const lane = this.#ready.shift();
      if (lane === undefined) return;
      this.#running++;
      void this.#run(lane, this.#lanes.get(lane) ?? []);
    }
  }

  async #run(lane: string, items: Item[]): Promise<void> {
    const [item] = items;
    if (item !== undefined) await this.work(item);
    items.shift();
    this.#running--;
    if (items.length > 0) this.#ready.push(lane);
    else this.#lanes.delete(lane);
    this.#begin();
    if (this.#running === 0) this.#onSettled();
  }
}
