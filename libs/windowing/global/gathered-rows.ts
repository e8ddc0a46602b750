import type { ProvisionalSink } from './global-windows.js';
import type { RowIdentity, WindowResult } from './window-result.js';

/** Results of windows that are still filling. */
export interface ProvisionalRows {
  readonly rows: readonly WindowResult[];
  /** Open windows that were shown, and are no more. */
  readonly gone: readonly RowIdentity[];
  /** Arrival of the oldest event that no row has shown before; absent: none. */
  readonly oldestReceivedMs?: number;
}

/** The rows of one emission, or of one look at what is open. */
export class GatheredRows implements ProvisionalSink {
  readonly rows: WindowResult[] = [];
  readonly goneRows: RowIdentity[] = [];
  #oldestReceivedMs = Infinity;

  add(row: WindowResult, oldestReceivedMs: number): void {
    this.rows.push(row);
    if (oldestReceivedMs < this.#oldestReceivedMs) this.#oldestReceivedMs = oldestReceivedMs;
  }

  gone(row: RowIdentity): void {
    this.goneRows.push(row);
  }

  /** Arrival of the oldest event that no row has shown before; absent: none. */
  get shown(): { readonly oldestReceivedMs?: number } {
    return this.#oldestReceivedMs === Infinity ? {} : { oldestReceivedMs: this.#oldestReceivedMs };
  }
}
