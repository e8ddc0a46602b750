import type { JsonScalar, JsonValue } from '#libs/kernel';
import type { Partial } from '../partial.js';
import type { CellOwner } from './stored-name.js';
import type { RowIdentity, WindowResult } from './window-result.js';

/** What became of a delta. */
export type MergeOutcome =
  | { readonly kind: 'merged' }
  /** Its window is final: counted in `GlobalAggregation.refused`, and its events with it. */
  | { readonly kind: 'too-late' }
  /** The pipeline has no such series, or none with such windows: it comes from a former version. Counted, too. */
  | { readonly kind: 'unknown-series' };

/** The times of a stream, as the upstream tasks say. A live view: it moves, and never back. */
export interface StreamLimits {
  /** Minimum over all local tasks; −∞ while one has not reported. */
  readonly watermarkMs: number;
  /** Windows that start at or before it are final. */
  readonly closedUntilMs: number | undefined;
}

/** Where rows are put: of one emission, or of one look at what is open. */
export interface RowSink {
  /** @param oldestReceivedMs arrival of the oldest event in it that no row has shown before; ∞: none */
  add(row: WindowResult, oldestReceivedMs: number): void;
}

/** As {@link RowSink}, for what is not complete. */
export interface ProvisionalSink extends RowSink {
  /** An open window that was shown, and is no more: the session that held it has grown, or was merged away. */
  gone(row: RowIdentity): void;
}

/**
 * How one kind of windows merges and emits, for one series and stream at a global task.
 *
 *     merge ─→ open ── advance ──→ complete, due ── emit ──→ complete ── forgetFinal ──→ forgotten
 *                                        └── merge: due again, with the next revision ──┘
 *
 * G1. Completeness and finality follow from {@link StreamLimits} and `classifyArrival` alone; deltas move no time.
 * G3. A row is emitted once per change: what is due is known from the stored cells and the limits, so that an emission
 *     in slices goes on after a restart where it stood.
 * G4. Given the same calls it does the same again; nothing depends on time or chance.
 */
export interface GlobalWindows {
  /** Anything but `merged` leaves no trace. */
  merge(partial: Partial): MergeOutcome;
  /** The limits have moved: what is complete now becomes due. */
  advance(): void;
  /** End of the window whose row is to be emitted next; undefined: none is due. */
  readonly nextDueMs: number | undefined;
  /**
   * Emits due rows, by end of window and then in order of arrival; a completed session that was merged away gives a
   * row with `retracted`, and the next revision.
   *
   * @param upToMs only windows that end at or before it
   * @param most at most so many, > 0
   * @returns how many
   */
  emit(upToMs: number, most: number, into: RowSink): number;
  /**
   * The results, so far, of the open windows that changed since the last call; those that are due come by `emit`.
   *
   * @param newest at most so many: those of the newest windows; the rest is forgotten until it changes again
   */
  takeProvisional(newest: number, into: ProvisionalSink): void;
  /**
   * Takes out cells that nothing can change any more. Called only while nothing is due.
   *
   * @param most at most so many; the rest another time
   * @returns how many
   */
  forgetFinal(most: number): number;
  /**
   * Takes in one stored cell. Called before anything else; `restored` follows once all are in.
   *
   * @param name what its stored name holds behind series and stream
   * @returns false: it is none of this kind and definition of windows, and is removed from the store
   */
  restore(name: readonly JsonScalar[], value: JsonValue): boolean;
  restored(): void;
  /**
   * The cells that changed since the last call, by the names of `storedName`; undefined: removed. A name never stored
   * needs no removal.
   */
  changes(): Iterable<readonly [string, JsonValue | undefined]>;
  /** Every cell. */
  cells(): Iterable<readonly [string, JsonValue]>;
}

/** Whose windows they are. */
export interface GlobalContext extends CellOwner {
  readonly limits: StreamLimits;
}
