import type { JsonScalar, JsonValue } from '#libs/kernel';
import { DueRows } from '../global/due-rows.js';
import type {
  GlobalContext,
  GlobalWindows,
  MergeOutcome,
  ProvisionalSink,
  RowSink,
} from '../global/global-windows.js';
import { newestOf } from '../global/newest-of.js';
import { nameBegin, nameEnd } from '../global/stored-name.js';
import type { RowIdentity } from '../global/window-result.js';
import { type KeyId, keyId, keyOf } from '../key.js';
import type { Partial } from '../partial.js';
import type { SessionWindow } from '../time/window.js';
import { Retraction } from './retraction.js';
import { identityOf, largestOf, SessionCell, type SessionOwner } from './session-cell.js';
import { type SessionSpan, spanFrom, windowOfSpan } from './session-span.js';
import { SessionStages } from './session-stages.js';
import { SpansByStart } from './spans-by-start.js';

/**
 * Sessions: intervals that merge as deltas bridge them.
 *
 *     delta    ●──●)                 ●─)        two sessions
 *     delta          ●───●───●)                 reaches both: one session, in the place of the two
 *
 * N1. A row is of one window. Where a session with a row grows, that row is taken back (`retracted`, its next
 *     revision), and the grown session has a window, and rows from revision 0, of its own.
 * N2. What is forgotten is never reached again. A local task took the events of a delta by a watermark that the
 *     minimum here cannot have passed, and a session stays until an event in its last millisecond would be refused
 *     (`reachOf`). After a close the local tasks say from where on their events count (`fromMs`); those never join a
 *     session that the close made final. A delta that would all the same is refused.
 * N3. While a close is under way, what a task took before it may join what another took after it, in the order in
 *     which they come. Each event counts in one session, and no final row changes; which one may depend on the order.
 */
export class GlobalSessions implements GlobalWindows {
  readonly #keys = new Map<KeyId, SpansByStart<SessionCell>>();
  readonly #stages: SessionStages;
  readonly #nameBegin: string;
  readonly #due = new DueRows<SessionCell | Retraction>();
  readonly #retractions = new Set<Retraction>();
  readonly #changedOpen = new Set<SessionCell>();
  readonly #dirty = new Set<SessionCell>();
  readonly #final: SessionCell[] = [];
  #restoredWithoutRow = new Set<SessionCell>();
  #gone: RowIdentity[] = [];
  #removed: string[] = [];

  constructor(
    private readonly context: GlobalContext,
    private readonly definition: SessionWindow,
  ) {
    this.#stages = new SessionStages(context.series, definition, context.limits);
    const { gapMs, maxLengthMs = null } = definition;
    this.#nameBegin = nameBegin(context, ['session', gapMs, maxLengthMs]);
  }

  merge(partial: Partial): MergeOutcome {
    const single = spanOf(this.definition, partial);
    if (single === undefined) return { kind: 'unknown-series' };
    const key = keyId(this.context.series, partial.key);
    const sessions = this.#keys.get(key) ?? new SpansByStart<SessionCell>(this.definition);
    const { span, joined } = sessions.joinedBy(single);
    const isLate = this.#stages.isRefused(windowOfSpan(this.definition, single));
    if (isLate || this.#stages.isFinal(windowOfSpan(this.definition, span))) return { kind: 'too-late' };
    for (const cell of joined) sessions.remove(cell);
    const cell = this.#unite(joined, span) ?? this.#create(partial, span);
    cell.merge(partial);
    sessions.insert(cell);
    this.#keys.set(key, sessions);
    this.#settle(cell);
    return { kind: 'merged' };
  }

  advance(): void {
    for (const cell of this.#stages.moved(() => this.#allSessions())) {
      if (cell.stage === 'open' && this.#stages.isComplete(cell.window)) this.#complete(cell);
      if (this.#stages.isFinal(cell.window)) {
        cell.stage = 'final';
        this.#final.push(cell);
      } else this.#stages.put(cell);
    }
  }

  get nextDueMs(): number | undefined {
    return this.#due.nextEndMs;
  }

  emit(upToMs: number, most: number, into: RowSink): number {
    for (let emitted = 0; emitted < most; emitted++) {
      const item = this.#due.take(upToMs);
      if (item === undefined) return emitted;
      if (item instanceof Retraction) {
        into.add(item.result(), Infinity);
        this.#retractions.delete(item);
        if (item.isStored) this.#removed.push(item.name);
      } else {
        into.add(item.result(), item.show());
        item.revision += 1;
        item.shown = undefined;
        this.#dirty.add(item);
      }
    }
    return most;
  }

  takeProvisional(newest: number, into: ProvisionalSink): void {
    const taken = new Set(newestOf(this.#changedOpen, newest));
    // What is not among the newest is shown no more, rather than as it was.
    for (const cell of this.#changedOpen) if (!taken.has(cell)) this.#hide(cell);
    for (const identity of this.#gone) into.gone(identity);
    this.#gone = [];
    for (const cell of taken) {
      into.add(cell.result(), cell.show());
      cell.shown = cell.window;
    }
    this.#changedOpen.clear();
  }

  forgetFinal(most: number): number {
    let forgotten = 0;
    while (forgotten < most) {
      const cell = this.#final.pop();
      if (cell === undefined) break;
      const key = keyId(this.context.series, cell.owner.key);
      const sessions = this.#keys.get(key);
      sessions?.remove(cell);
      if (sessions?.size === 0) this.#keys.delete(key);
      this.#forget(cell);
      forgotten += 1;
    }
    return forgotten;
  }

  restore(name: readonly JsonScalar[], value: JsonValue): boolean {
    return name[0] === 'retraction'
      ? this.#restoreRetraction(name, value)
      : this.#restoreSession(name, value);
  }

  restored(): void {
    for (const cell of this.#allSessions()) {
      if (this.#stages.isComplete(cell.window)) {
        cell.stage = 'complete';
        if (!this.#restoredWithoutRow.has(cell)) this.#due.add(cell, cell.window.endMs);
      }
      this.#stages.put(cell);
    }
    this.#restoredWithoutRow = new Set();
    // What is final already waits for its row, and to be forgotten.
    this.advance();
  }

  *changes(): Iterable<readonly [string, JsonValue | undefined]> {
    for (const name of this.#removed) yield [name, undefined];
    this.#removed = [];
    for (const cell of this.#dirty) {
      const { storedStartMs } = cell;
      if (storedStartMs !== undefined && storedStartMs !== cell.span.firstMs)
        yield [this.#nameOf(cell, storedStartMs), undefined];
    }
    for (const cell of this.#dirty) {
      cell.storedStartMs = cell.span.firstMs;
      yield this.#stored(cell);
    }
    this.#dirty.clear();
    for (const retraction of this.#retractions) {
      if (retraction.isStored) continue;
      retraction.isStored = true;
      yield [retraction.name, retraction.encode()];
    }
  }

  *cells(): Iterable<readonly [string, JsonValue]> {
    for (const cell of this.#allSessions()) yield this.#stored(cell);
    for (const retraction of this.#retractions) yield [retraction.name, retraction.encode()];
  }

  *#allSessions(): Iterable<SessionCell> {
    for (const sessions of this.#keys.values()) yield* sessions;
  }

  #stored(cell: SessionCell): readonly [string, JsonValue] {
    return [this.#nameOf(cell, cell.span.firstMs), cell.encode(this.#due.has(cell))];
  }

  /** The name under which it is stored, or would be if it began there. */
  #nameOf({ owner: { series, key } }: SessionCell, startMs: number): string {
    return `${this.#nameBegin},${startMs}${nameEnd(series, key)}`;
  }

  #create({ key }: Partial, span: SessionSpan): SessionCell {
    const { series, stream } = this.context;
    return new SessionCell(this.definition, { series, stream, key }, span);
  }

  /** Makes one session of those given, in the new span; undefined: there are none. */
  #unite(joined: readonly SessionCell[], span: SessionSpan): SessionCell | undefined {
    const { startMs, endMs } = windowOfSpan(this.definition, span);
    // The one with the same window goes on with its revisions; else the largest, for it costs least to keep.
    const isSame = ({ window }: SessionCell): boolean => window.startMs === startMs && window.endMs === endMs;
    const kept = joined.find(isSame) ?? largestOf(joined);
    for (const cell of joined) {
      if (!isSame(cell)) this.#takeBack(cell);
      if (cell === kept) continue;
      kept!.absorb(cell);
      cell.stage = 'merged';
      this.#changedOpen.delete(cell);
      this.#forget(cell);
    }
    kept?.growTo(span);
    return kept;
  }

  /** The session is no more what its window says: neither its rows nor what was shown of it hold. */
  #takeBack(cell: SessionCell): void {
    if (cell.revision > 0) {
      const retraction = new Retraction(cell.owner, cell.window, cell.revision);
      this.#retractions.add(retraction);
      this.#due.add(retraction, cell.window.endMs);
    }
    this.#hide(cell);
    this.#due.drop(cell);
    cell.revision = 0;
  }

  #hide(cell: SessionCell): void {
    if (cell.shown !== undefined) this.#gone.push(identityOf(cell.owner, cell.shown));
    cell.shown = undefined;
  }

  /** After a delta: what the session is now. */
  #settle(cell: SessionCell): void {
    this.#dirty.add(cell);
    if (this.#stages.isComplete(cell.window)) this.#complete(cell);
    else {
      cell.stage = 'open';
      this.#changedOpen.add(cell);
    }
    this.#stages.put(cell);
  }

  #complete(cell: SessionCell): void {
    cell.stage = 'complete';
    // It is shown by its row, which comes at once.
    this.#changedOpen.delete(cell);
    this.#due.add(cell, cell.window.endMs);
  }

  #forget(cell: SessionCell): void {
    this.#dirty.delete(cell);
    if (cell.storedStartMs !== undefined) this.#removed.push(this.#nameOf(cell, cell.storedStartMs));
  }

  #restoreSession(name: readonly JsonScalar[], value: JsonValue): boolean {
    const owner = this.#ownerOf(name.slice(4));
    const restored =
      owner && name[0] === 'session' && SessionCell.restore(this.definition, owner, name, value);
    if (owner === undefined || !restored) return false;
    const key = keyId(this.context.series, owner.key);
    const sessions = this.#keys.get(key) ?? new SpansByStart<SessionCell>(this.definition);
    sessions.insert(restored.cell);
    this.#keys.set(key, sessions);
    if (!restored.wantsRow) this.#restoredWithoutRow.add(restored.cell);
    return true;
  }

  #restoreRetraction([, startMs, endMs, ...values]: readonly JsonScalar[], value: JsonValue): boolean {
    const owner = this.#ownerOf(values);
    if (owner === undefined) return false;
    const window = { startMs: startMs as number, endMs: endMs as number };
    const retraction = new Retraction(owner, window, (value as { revision: number }).revision);
    retraction.isStored = true;
    this.#retractions.add(retraction);
    this.#due.add(retraction, window.endMs);
    return true;
  }

  /** Undefined: the series is grouped by something else now. */
  #ownerOf(values: readonly JsonScalar[]): SessionOwner | undefined {
    const { series, stream } = this.context;
    return values.length === series.by.length ? { series, stream, key: keyOf(series, values) } : undefined;
  }
}

/** Undefined: the delta is of other windows. */
function spanOf(definition: SessionWindow, { startMs, endMs, part }: Partial): SessionSpan | undefined {
  if (part?.kind !== 'session') return undefined;
  const { lastMs, fromMs } = part;
  const span = spanFrom(startMs, lastMs, fromMs);
  return windowOfSpan(definition, span).endMs === endMs && lastMs < endMs ? span : undefined;
}
