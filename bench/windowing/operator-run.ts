import type { StreamEvent } from '#libs/kernel';
import { type Fields, GlobalAggregation, LocalAggregation, type SeriesDefinition } from '#libs/windowing';

const TIME = { maxOutOfOrdernessMs: 10_000, maxFutureSkewMs: 300_000, idleAfterMs: 10_000 };
/** As a task commits at the latest. */
const EVENTS_A_COMMIT = 5_000;
const ROWS_AT_ONCE = 10_000;

/**
 * Both stages of the operator for one partition, as tasks drive them: deltas at every commit, rows as windows
 * complete, changed state taken. No log, no store, no bytes.
 */
export class OperatorRun {
  readonly #local: LocalAggregation;
  readonly #global: GlobalAggregation;
  #uncommitted = 0;
  /** Rows of complete windows so far. */
  rows = 0;
  /** Cells of state that commits had to store. */
  stateChanges = 0;
  /** What the measure `n` of those rows comes to. */
  counted = 0;

  constructor(series: readonly SeriesDefinition[]) {
    this.#local = new LocalAggregation(series, TIME, 1);
    this.#global = new GlobalAggregation(series, 1);
  }

  add(event: StreamEvent<Fields>): void {
    this.#local.add(event);
    this.#uncommitted += 1;
    if (this.#uncommitted === EVENTS_A_COMMIT) this.commit();
  }

  commit(): void {
    this.#uncommitted = 0;
    for (const partial of this.#local.drain()) this.#global.merge(partial);
    for (const [stream, progress] of Object.entries(this.#local.times.takeProgress() ?? {})) {
      this.#global.advance(0, stream, progress);
    }
    this.#emit();
    // As a commit does, which stores them.
    this.stateChanges += [...this.#global.changes()].length;
  }

  /** Completes every window, as at the end of a log. */
  finish(): void {
    this.commit();
    const untilMs = Number.MAX_SAFE_INTEGER;
    for (const stream of Object.keys(this.#global.streamProgress())) {
      this.#global.advance(0, stream, { watermarkMs: untilMs });
    }
    this.#emit();
  }

  /** Of what is open: how many (key, window), and the bytes they take in a store. */
  stored(): { readonly cells: number; readonly bytes: number } {
    let cells = 0;
    let bytes = 0;
    for (const [name, value] of this.#global.cells()) {
      if (!name.startsWith('[')) continue;
      cells += 1;
      bytes += name.length + JSON.stringify(value).length;
    }
    return { cells, bytes };
  }

  #emit(): void {
    let more = true;
    while (more) {
      const emission = this.#global.emit(ROWS_AT_ONCE);
      for (const { measures } of emission.rows) this.counted += Number(measures['n']);
      this.rows += emission.rows.length;
      ({ more } = emission);
    }
    this.#global.takeProgress();
  }
}
