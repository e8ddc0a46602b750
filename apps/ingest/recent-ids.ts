/** How many ids of one request are remembered; a repeat that comes later is left to enrich, which remembers longer. */
const MAX_IDS = 65_536;

/** The ids of one request, so that its repeats can be counted in its answer. Bounded: a body has no end. */
export class RecentIds {
  readonly #ids = new Set<string>();

  constructor(private readonly maxIds = MAX_IDS) {}

  /** Was this id there before, as far as is remembered; remembers it if not. */
  isRepeat(id: string): boolean {
    if (this.#ids.has(id)) return true;
    this.#ids.add(id);
    if (this.#ids.size > this.maxIds) this.#forgetOldest();
    return false;
  }

  #forgetOldest(): void {
    for (const oldest of this.#ids) {
      this.#ids.delete(oldest);
      return;
    }
  }
}
