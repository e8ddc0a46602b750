import type { JsonValue } from '#libs/kernel';
import { storedName } from '../global/stored-name.js';
import type { WindowResult } from '../global/window-result.js';
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

  get name(): string {
    const { startMs, endMs } = this.window;
    return storedName(this.owner, ['retraction', startMs, endMs], this.owner.key);
  }

  encode(): JsonValue {
    return { revision: this.revision };
  }
}
