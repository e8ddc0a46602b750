import { isJsonObject, type JsonObject, type JsonValue } from '#libs/kernel';
import { Accumulator } from '../accumulator.js';
import { type CellOwner, storedName } from '../global/stored-name.js';
import type { Key } from '../key.js';
import type { Partial } from '../partial.js';
import type { Pane } from '../time/window-grid.js';

/** First element of the names of panes' cells. */
export const PANE_CELL = 'pane';

/** Events of a pane that count in the windows from one start on. */
interface Share {
  readonly accumulator: Accumulator;
  /** What the accumulator encodes to; undefined: it has changed. */
  encoded: JsonObject | undefined;
}

/** What a global task holds of one pane and key. */
export class PaneCell {
  isStored: boolean;
  /** Arrival of the oldest event that no emitted or provisional row has shown yet; ∞ for none. */
  #unshownReceivedMs = Infinity;
  /** By the start of the oldest window they count in; nearly always one, that of the pane's oldest window. */
  #name: string | undefined;
  readonly #shares = new Map<number, Share>();

  constructor(
    private readonly owner: CellOwner,
    readonly pane: Pane,
    readonly key: Key,
    stored?: JsonValue,
  ) {
    this.isStored = stored !== undefined;
    const shares = isJsonObject(stored ?? null) ? (stored as StoredCell).shares : [];
    for (const [fromMs, measures, events] of shares) {
      const accumulator = new Accumulator(owner.series.measures, measures);
      accumulator.events = events;
      this.#shares.set(fromMs, { accumulator, encoded: measures });
    }
  }

  get name(): string {
    const { startMs, endMs } = this.pane;
    return (this.#name ??= storedName(this.owner, [PANE_CELL, startMs, endMs], this.key));
  }

  /** @param fromMs start of the oldest window that the delta counts in */
  merge(partial: Partial, fromMs: number): void {
    let share = this.#shares.get(fromMs);
    if (share === undefined) {
      share = { accumulator: new Accumulator(this.owner.series.measures), encoded: undefined };
      this.#shares.set(fromMs, share);
    }
    share.accumulator.merge(partial.measures, partial.events, partial.oldestReceivedMs);
    share.encoded = undefined;
    this.#unshownReceivedMs = Math.min(this.#unshownReceivedMs, partial.oldestReceivedMs);
  }

  /** Does the window that starts there count an event of it. */
  isIn(windowStartMs: number): boolean {
    for (const fromMs of this.#shares.keys()) if (fromMs <= windowStartMs) return true;
    return false;
  }

  /** Adds what the window that starts there counts. */
  addTo(sum: Accumulator, windowStartMs: number): void {
    for (const [fromMs, share] of this.#shares) {
      if (fromMs <= windowStartMs) sum.merge(encodedOf(share), share.accumulator.events, Infinity);
    }
  }

  /** A row shows it now. @returns arrival of the oldest event that none has shown before; ∞ for none */
  show(): number {
    const receivedMs = this.#unshownReceivedMs;
    this.#unshownReceivedMs = Infinity;
    return receivedMs;
  }

  encode(): JsonValue {
    const shares = [...this.#shares].map(
      ([fromMs, share]) => [fromMs, encodedOf(share), share.accumulator.events] as const,
    );
    return { shares };
  }
}

type StoredCell = { readonly shares: readonly (readonly [number, JsonObject, number])[] };

function encodedOf(share: Share): JsonObject {
  return (share.encoded ??= share.accumulator.encode());
}
