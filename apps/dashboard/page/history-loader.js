import { readHistory } from './history.js';

/**
 * @typedef {import('./model.js').Row} Row
 * @typedef {{pipeline: string, stream: string, series: string[]}} Subject
 */

/** A log that is being loaded changes its past; that is read again at most this often. */
const PAUSE_MS = 2_000;

/** Reads what is older than the snapshot, one reading at a time. */
export class HistoryLoader {
  /** Is everything there that the store has, by the last reading. */
  isComplete = true;
  #abort = new AbortController();
  #isWanted = false;
  #isReading = false;
  #readAtMs = Number.NEGATIVE_INFINITY;
  #onRows;

  /** @param {(rows: Row[]) => void} onRows */
  constructor(onRows) {
    this.#onRows = onRows;
  }

  /** Another stream is shown: what is on its way is not for it. */
  reset() {
    this.#abort.abort();
    this.#isWanted = false;
    this.#isReading = false;
    this.isComplete = true;
    this.#readAtMs = Number.NEGATIVE_INFINITY;
  }

  want() {
    this.#isWanted = true;
  }

  /**
   * Reads, if that is wanted and due. Call often.
   *
   * @param {() => Subject | undefined} subjectOf undefined: nothing older is shown
   */
  async read(subjectOf) {
    if (!this.#isWanted || this.#isReading || performance.now() - this.#readAtMs < PAUSE_MS) return;
    this.#isWanted = false;
    const subject = subjectOf();
    if (subject === undefined) return;
    this.#isReading = true;
    this.#abort = new AbortController();
    const { signal } = this.#abort;
    try {
      const { series, ...place } = subject;
      const onPage = (/** @type {Row[]} */ rows) => {
        if (!signal.aborted) this.#onRows(rows);
      };
      const all = await Promise.all(
        series.map((name) => readHistory({ ...place, series: name, signal }, onPage)),
      );
      this.isComplete = all.every(Boolean);
    } catch {
      // Aborted, or the app is away: it is tried again after a pause.
      if (!signal.aborted) this.#isWanted = true;
    }
    if (signal.aborted) return;
    this.#isReading = false;
    this.#readAtMs = performance.now();
  }
}
