import { isJsonObject, type JsonObject, type JsonScalar, type JsonValue } from '#libs/kernel';
import { Accumulator } from '../accumulator.js';
import type { RowIdentity, WindowResult } from '../global/window-result.js';
import type { Key } from '../key.js';
import type { CellOwner } from '../global/stored-name.js';
import type { SessionWindow, TimeWindow } from '../time/window.js';
import { type SessionSpan, spanFrom, windowOfSpan } from './session-span.js';

/** Whose session it is. */
export interface SessionOwner extends CellOwner {
  readonly key: Key;
}

/**
 * `open`: the watermark has not passed its end. `complete`: a row is out or due; events may still make it grow.
 * `final`: nothing can change it. `merged`: it is part of another session now.
 */
export type SessionStage = 'open' | 'complete' | 'final' | 'merged';

/** What a global task holds of one session. */
export class SessionCell {
  stage: SessionStage = 'open';
  /** Rows emitted so far of this window: the revision of the next one. A window that grows is another. */
  revision = 0;
  /** The watermark at which to look at it next; undefined: it stands in no queue. */
  lookAtMs: number | undefined;
  /** The window in which it was shown while open. */
  shown: TimeWindow | undefined;
  /** The start under which it is stored; undefined: it is not. */
  storedStartMs: number | undefined;
  /** Arrival of the oldest event that no row has shown yet; ∞ for none. */
  unshownReceivedMs = Infinity;
  #window: TimeWindow;
  readonly #accumulator: Accumulator;

  constructor(
    private readonly definition: SessionWindow,
    readonly owner: SessionOwner,
    private held: SessionSpan,
    measures?: JsonObject,
  ) {
    this.#window = windowOfSpan(definition, held);
    this.#accumulator = new Accumulator(owner.series.measures, measures);
  }

  get window(): TimeWindow {
    return this.#window;
  }

  get span(): SessionSpan {
    return this.held;
  }

  get events(): number {
    return this.#accumulator.events;
  }

  get identity(): RowIdentity {
    return identityOf(this.owner, this.#window);
  }

  growTo(span: SessionSpan): void {
    this.held = span;
    this.#window = windowOfSpan(this.definition, span);
  }

  merge(delta: {
    readonly measures: JsonObject;
    readonly events: number;
    readonly oldestReceivedMs: number;
  }): void {
    this.#accumulator.merge(delta.measures, delta.events, delta.oldestReceivedMs);
    if (delta.oldestReceivedMs < this.unshownReceivedMs) this.unshownReceivedMs = delta.oldestReceivedMs;
  }

  /** Takes over what another session has gathered. */
  absorb(other: SessionCell): void {
    const { events, unshownReceivedMs } = other;
    this.merge({ measures: other.#accumulator.encode(), events, oldestReceivedMs: unshownReceivedMs });
  }

  /** A row shows it now. @returns arrival of the oldest event that none has shown before; ∞ for none */
  show(): number {
    const receivedMs = this.unshownReceivedMs;
    this.unshownReceivedMs = Infinity;
    return receivedMs;
  }

  result(): WindowResult {
    const { series, stream, key } = this.owner;
    const { startMs, endMs } = this.#window;
    return {
      series: series.name,
      stream,
      key,
      windowStartMs: startMs,
      windowEndMs: endMs,
      measures: this.#accumulator.results(this.#window),
      revision: this.revision,
    };
  }

  /** @param isDue a row of it is to be emitted */
  encode(isDue: boolean): JsonValue {
    const cell: StoredSession = {
      lastMs: this.held.lastMs,
      fromMs: this.held.fromMs,
      measures: this.#accumulator.encode(),
      revision: this.revision,
      // A first row is due by the window; only a correction has to be told.
      isDue: isDue && this.revision > 0 ? true : undefined,
      events: this.#accumulator.events,
    };
    return cell;
  }

  /** @returns undefined where the cell is of other windows; `wantsRow`: in a complete window, a row is to be emitted */
  static restore(
    definition: SessionWindow,
    owner: SessionOwner,
    name: readonly JsonScalar[],
    value: JsonValue,
  ): { readonly cell: SessionCell; readonly wantsRow: boolean } | undefined {
    const [, gapMs, maxLengthMs, startMs] = name;
    if (gapMs !== definition.gapMs || maxLengthMs !== (definition.maxLengthMs ?? null)) return undefined;
    if (typeof startMs !== 'number' || !isJsonObject(value)) return undefined;
    const { lastMs, fromMs, measures, revision, isDue, events } = value as StoredSession;
    const span = spanFrom(startMs, lastMs, fromMs);
    const cell = new SessionCell(definition, owner, span, measures);
    cell.#accumulator.events = events;
    cell.revision = revision;
    cell.storedStartMs = startMs;
    return { cell, wantsRow: revision === 0 || isDue === true };
  }
}

type StoredSession = {
  readonly lastMs: number;
  readonly fromMs?: number | undefined;
  readonly measures: JsonObject;
  readonly revision: number;
  readonly isDue?: true | undefined;
  readonly events: number;
};

export function identityOf({ series, stream, key }: SessionOwner, window: TimeWindow): RowIdentity {
  return { series: series.name, stream, key, windowStartMs: window.startMs, windowEndMs: window.endMs };
}

/** The one with the most events, the first of several; undefined: there are none. */
export function largestOf(sessions: readonly SessionCell[]): SessionCell | undefined {
  let [largest] = sessions;
  for (const cell of sessions) if (cell.events > largest!.events) largest = cell;
  return largest;
}
