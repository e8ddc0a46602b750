/**
 * @typedef {import('./model.js').Row} Row
 */

const PAGE = 10_000;
/** Five weeks of minutes. */
const MAX_PAGES = 5;

/**
 * Reads all rows of a series of one stream, newest first, up to {@link MAX_PAGES} pages.
 *
 * @param {{pipeline: string, series: string, stream: string, signal: AbortSignal}} subject
 * @param {(rows: Row[]) => void} onPage
 * @returns {Promise<boolean>} whether that was all of it
 */
export async function readHistory({ pipeline, series, stream, signal }, onPage) {
  let cursor = '';
  for (let page = 0; page < MAX_PAGES; page++) {
    const parameters = new URLSearchParams({ pipeline, stream, order: 'descending', limit: String(PAGE) });
    if (cursor !== '') parameters.set('cursor', cursor);
    const response = await fetch(`/v1/series/${encodeURIComponent(series)}?${parameters.toString()}`, {
      signal,
    });
    if (!response.ok) throw new Error(`the series answered ${response.status}`);
    const answer = await response.json();
    onPage(answer.rows.map((/** @type {Row} */ row) => ({ ...row, series })));
    cursor = answer.nextCursor ?? '';
    if (cursor === '') return true;
  }
  return false;
}
