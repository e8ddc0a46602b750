/**
 * @typedef {import('./model.js').Row} Row
 * @typedef {{rows: Row[], isAll: boolean, version: number}} SessionPage newest row first
 * @typedef {{pipeline: string, stream: string, series: string[]}} Subject
 */

/** A day of a busy site has a hundred thousand sessions: what they look like shows in the newest thousand. */
export const NEWEST_SESSIONS = 1_000;
const PAUSE_MS = 4_000;

/** Reads the newest sessions of a stream: one bounded page of each series, at a pace. */
export class SessionsLoader {
  /** By series. @type {Map<string, SessionPage>} */
  pages = new Map();
  #version = 0;
  #abort = new AbortController();
  #isWanted = true;
  #isReading = false;
  #readAtMs = Number.NEGATIVE_INFINITY;
  #onChange;

  /** @param {() => void} onChange */
  constructor(onChange) {
    this.#onChange = onChange;
  }

  /** Another stream is shown. */
  reset() {
    this.#abort.abort();
    this.pages = new Map();
    this.#isWanted = true;
    this.#isReading = false;
    this.#readAtMs = Number.NEGATIVE_INFINITY;
  }

  /** Something has happened to the stream. */
  want() {
    this.#isWanted = true;
  }

  /**
   * Reads, if that is wanted and due. Call often.
   *
   * @param {Subject} subject
   */
  async read({ pipeline, stream, series }) {
    if (!this.#isWanted || this.#isReading || performance.now() - this.#readAtMs < PAUSE_MS) return;
    if (stream === '' || series.length === 0) return;
    this.#isWanted = false;
    this.#isReading = true;
    this.#abort = new AbortController();
    const { signal } = this.#abort;
    try {
      const read = await Promise.all(series.map((name) => newest({ pipeline, stream, name, signal })));
      if (signal.aborted) return;
      const version = ++this.#version;
      this.pages = new Map(read.map((page, index) => [series[index] ?? '', { ...page, version }]));
      this.#onChange();
    } catch {
      // Aborted, or the app is away: it is tried again after a pause.
      if (signal.aborted) return;
      this.#isWanted = true;
    }
    this.#isReading = false;
    this.#readAtMs = performance.now();
  }
}

/**
 * @param {{pipeline: string, stream: string, name: string, signal: AbortSignal}} subject
 * @returns {Promise<Omit<SessionPage, 'version'>>}
 */
async function newest({ pipeline, stream, name, signal }) {
  const parameters = new URLSearchParams({
    ...{ pipeline, stream, order: 'descending' },
    limit: String(NEWEST_SESSIONS),
  });
  const response = await fetch(`/v1/series/${encodeURIComponent(name)}?${parameters.toString()}`, { signal });
  if (!response.ok) throw new Error(`the series answered ${response.status}`);
  const { rows, nextCursor } = await response.json();
  return {
    rows: rows.map((/** @type {Row} */ row) => ({ ...row, series: name })),
    isAll: nextCursor === null,
  };
}
