import { comparePositions, type Covers, type Position } from '#libs/messaging';

// How repeats and losses are seen, by kind of edge (ARCHITECTURE.md, "What travels"). Pure decisions.

export type Admission =
  | { readonly kind: 'apply' }
  /** It was applied before. */
  | { readonly kind: 'repeat' }
  /** Something before it never arrived. */
  | { readonly kind: 'gap'; readonly expected: unknown };

const APPLY: Admission = { kind: 'apply' };
const REPEAT: Admission = { kind: 'repeat' };

/**
 * For messages that their producer numbers one by one.
 *
 * @param lastSeen the last number of this producer that was applied; undefined: none yet, then any number is the base
 */
export function admitSequenced(lastSeen: number | undefined, sequence: number): Admission {
  if (lastSeen === undefined || sequence === lastSeen + 1) return APPLY;
  return sequence <= lastSeen ? REPEAT : { kind: 'gap', expected: lastSeen + 1 };
}

/**
 * For frames that say which stretch of their input they cover. Any copy of the same stretch is as good as another.
 * A heartbeat covers nothing (`after` = `upTo`) and counts only where nothing is missing before it.
 *
 * @param applied the end of what has been applied; undefined: nothing yet, then any frame is the base
 */
export function admitCovered(applied: Position | undefined, covers: Covers): Admission {
  if (applied === undefined) return APPLY;
  if (comparePositions(applied, covers.after) < 0) return { kind: 'gap', expected: applied };
  const remaining = comparePositions(covers.upTo, applied);
  const isHeartbeat = comparePositions(covers.after, covers.upTo) === 0;
  return remaining > 0 || (isHeartbeat && remaining === 0) ? APPLY : REPEAT;
}
