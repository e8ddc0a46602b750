import type { JsonValue } from '#libs/kernel';
import type { CellName } from '../global/global-windows.js';
import type { WindowResult } from '../global/window-result.js';
import { keyValues } from '../key.js';
import type { TimeWindow } from '../time/window.js';
import { identityOf, type SessionOwner } from './session-cell.js';

/** A row that is out and to be taken back: its session has grown, or was merged into another. */
export class Retraction {
  isStored = false;

  constructor(
    readonly owner: SessionOwner,
    readonly window: TimeWindow,
    readonly revision: number,
  ) {}

  /** What it said counts no more; what counts is in the row of the session that took it in. */
  result(): WindowResult {
    return { ...identityOf(this.owner, this.window), measures: {}, revision: this.revision, retracted: true };
  }

  get name(): CellName {
    const { startMs, endMs } = this.window;
    return ['retraction', startMs, endMs, ...keyValues(this.owner.series, this.owner.key)];
  }

  encode(): JsonValue {
    return { revision: this.revision };
  }
}
