import { isJsonObject, type JsonValue } from '#libs/kernel';
import type { DueCell } from '../global/due-queue.js';
import { type CellOwner, storedName } from '../global/stored-name.js';
import type { Key } from '../key.js';
import type { TimeWindow } from '../time/window.js';

/** First element of the names of rows' cells. */
export const ROW_CELL = 'row';

/** What is known of the row of one complete window and key; its numbers are in the panes. */
export class RowCell implements DueCell {
  revision = 0;
  isDue = false;
  isStored: boolean;
  /** As stored: a correction was due. */
  readonly wantsRow: boolean;

  constructor(
    private readonly owner: CellOwner,
    readonly window: TimeWindow,
    readonly key: Key,
    stored?: JsonValue,
  ) {
    this.isStored = stored !== undefined;
    const cell = isJsonObject(stored ?? null) ? (stored as StoredCell) : undefined;
    this.revision = cell?.revision ?? 0;
    this.wantsRow = cell?.isDue === true || this.revision === 0;
  }

  get name(): string {
    const { startMs, endMs } = this.window;
    return storedName(this.owner, [ROW_CELL, startMs, endMs], this.key);
  }

  encode(): JsonValue {
    const cell: StoredCell = { revision: this.revision, isDue: this.isDue ? true : undefined };
    return cell;
  }
}

type StoredCell = { readonly revision: number; readonly isDue?: true | undefined };
