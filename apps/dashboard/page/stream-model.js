/**
 * @typedef {import('./model.js').Row} Row
 * @typedef {import('./model.js').SeriesView} SeriesView
 */

/** More than a month of minutes of each series; older ones are dropped from the page, never from the store. */
const MAX_WINDOWS = 50_000;
const MAX_KEYED_ROWS = 50;

/** The rows of the stream that is shown, newest revision of each. */
export class StreamModel {
  /** Rows of series by the stream only, by window start. @type {Map<string, Map<number, Row>>} */
  #windows = new Map();
  /** The same in order of time, until they change. @type {Map<string, [number, Row][]>} */
  #sorted = new Map();
  /** The latest rows of series with further keys. @type {Map<string, Map<string, Row>>} */
  #keyed = new Map();
  /** @type {SeriesView[]} */
  definitions = [];
  /** Grows with every change. */
  version = 0;

  clear() {
    this.#windows.clear();
    this.#sorted.clear();
    this.#keyed.clear();
    this.version++;
  }

  /** The series whose windows are sessions. */
  get sessionSeries() {
    return this.definitions.filter(({ window }) => window?.kind === 'session').map(({ series }) => series);
  }

  /** @param {Row[]} rows */
  apply(rows) {
    const sessions = this.sessionSeries;
    for (const row of rows) {
      // Sessions are read by the page: of the thousands that are open the points bring only some.
      if (sessions.includes(row.series)) continue;
      if (Object.keys(row.key).length === 0) this.#applyWindow(row);
      else this.#applyKeyed(row);
    }
    for (const [series, windows] of this.#windows)
      if (windows.size > MAX_WINDOWS * 1.1) this.#trim(series, windows);
    this.version++;
  }

  /**
   * Rows of a series by the stream only, oldest first.
   *
   * @param {string} series
   * @returns {[startMs: number, row: Row][]}
   */
  windows(series) {
    let sorted = this.#sorted.get(series);
    if (sorted === undefined) {
      sorted = [...(this.#windows.get(series) ?? [])].sort(([a], [b]) => a - b);
      this.#sorted.set(series, sorted);
    }
    return sorted;
  }

  /**
   * @param {string} series
   * @returns {Row | undefined}
   */
  newest(series) {
    return this.windows(series).at(-1)?.[1];
  }

  /**
   * The latest rows of a series with further keys, newest first.
   *
   * @param {string} series
   */
  keyed(series) {
    return [...(this.#keyed.get(series)?.values() ?? [])].sort((a, b) =>
      b.windowEnd.localeCompare(a.windowEnd),
    );
  }

  /** @param {Row} row */
  #applyWindow(row) {
    const windows = this.#windows.get(row.series) ?? new Map();
    this.#windows.set(row.series, windows);
    const startMs = Date.parse(row.windowStart);
    if (replaces(row, windows.get(startMs))) {
      if (row.phase === 'retracted') windows.delete(startMs);
      else windows.set(startMs, row);
    }
    this.#sorted.delete(row.series);
  }

  /** @param {string} series @param {Map<number, Row>} windows */
  #trim(series, windows) {
    this.#windows.set(series, new Map(this.windows(series).slice(windows.size - MAX_WINDOWS)));
    this.#sorted.delete(series);
  }

  /** @param {Row} row */
  #applyKeyed(row) {
    const rows = this.#keyed.get(row.series) ?? new Map();
    this.#keyed.set(row.series, rows);
    const id = `${row.windowStart} ${JSON.stringify(row.key)}`;
    const former = rows.get(id);
    if (!replaces(row, former)) return;
    rows.delete(id);
    if (row.phase !== 'retracted') rows.set(id, row);
    if (rows.size <= MAX_KEYED_ROWS * 4) return;
    this.#keyed.set(row.series, new Map([...rows].slice(-MAX_KEYED_ROWS)));
  }
}

/**
 * A row stands for its window until a higher revision comes; of the same revision what is complete wins.
 *
 * @param {Row} row
 * @param {Row | undefined} former
 */
function replaces(row, former) {
  if (former === undefined || row.revision > former.revision) return true;
  return row.revision === former.revision && (row.phase !== 'provisional' || former.phase === 'provisional');
}

/**
 * A number in a row's measures by its path: `duration.p95`.
 *
 * @param {Row | undefined} row
 * @param {string} path
 * @returns {number | null}
 */
export function measure(row, path) {
  /** @type {unknown} */
  let value = row?.measures;
  for (const name of path.split('.')) {
    value = typeof value === 'object' && value !== null ? Reflect.get(value, name) : undefined;
  }
  return typeof value === 'number' ? value : null;
}
