/**
 * @typedef {import('./model.js').Row} Row
 * @typedef {{name: string, count: number, error: number}} Entry `count` may be too high by up to `error`
 */

const MAX_ENTRIES = 10;

/**
 * The list of the most frequent, if this is what a row holds: entries of a value and how often it came.
 *
 * @param {Row | undefined} row
 * @returns {Entry[] | undefined}
 */
export function rankingIn(row) {
  const values = Object.values(row?.measures ?? {});
  const found = [...values, ...values.flatMap(inside)].find(
    (value) => Array.isArray(value) && (value.length === 0 || isEntry(value[0])),
  );
  if (!Array.isArray(found)) return undefined;
  return found.slice(0, MAX_ENTRIES).map((entry) => ({
    name: String(entry.value ?? '–'),
    count: Number(entry.count),
    error: Number(entry.error ?? 0),
  }));
}

/**
 * The window whose ranking says most: the newest complete one; before there is any, the fullest that is still filling,
 * since the newest has only just begun.
 *
 * @param {Row[]} rows oldest first
 * @returns {Row | undefined}
 */
export function rankedWindow(rows) {
  const complete = rows.findLast(({ phase }) => phase !== 'provisional');
  if (complete !== undefined) return complete;
  return rows.toSorted((a, b) => totalOf(a) - totalOf(b)).at(-1);
}

/** @param {Row} row */
function totalOf(row) {
  return (rankingIn(row) ?? []).reduce((sum, { count }) => sum + count, 0);
}

/** @param {unknown} value @returns {unknown[]} */
function inside(value) {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? Object.values(value) : [];
}

/** @param {unknown} value */
function isEntry(value) {
  return typeof value === 'object' && value !== null && 'count' in value && 'value' in value;
}
