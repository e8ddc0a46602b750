/**
 * @typedef {import('./model.js').Row} Row
 * @typedef {import('./model.js').SeriesView} SeriesView
 * @typedef {{label: string, count: number}} Share
 * @typedef {{
 *   count: number,
 *   open: number,
 *   medianMs: number,
 *   perSession: number | null,
 *   single: number | null,
 *   lengths: Share[],
 * }} SessionFigures
 */

/** Where the classes of lengths end. @type {[untilMs: number, label: string][]} */
const LENGTHS = [
  [1, '0 s'],
  [60_000, 'below 1 min'],
  [300_000, '1 to 5 min'],
  [900_000, '5 to 15 min'],
  [3_600_000, '15 to 60 min'],
  [Infinity, 'above 1 h'],
];

/**
 * What sessions have in common.
 *
 * @param {Row[]} rows at least one
 * @param {SeriesView} definition
 * @returns {SessionFigures}
 */
export function figuresOf(rows, definition) {
  const lengths = rows.map((row) => lengthOf(row, definition)).sort((a, b) => a - b);
  const counted = countedBy(rows);
  const counts = counted === undefined ? [] : rows.map(({ measures }) => Number(measures[counted] ?? 0));
  const total = counts.reduce((sum, count) => sum + count, 0);
  return {
    count: rows.length,
    open: rows.filter(({ phase }) => phase === 'provisional').length,
    medianMs: lengths[Math.floor((lengths.length - 1) / 2)] ?? 0,
    perSession: counts.length === 0 ? null : total / counts.length,
    single: counts.length === 0 ? null : counts.filter((count) => count === 1).length / counts.length,
    lengths: LENGTHS.map(([untilMs, label], index) => {
      const fromMs = LENGTHS[index - 1]?.[0] ?? 0;
      return { label, count: lengths.filter((ms) => ms >= fromMs && ms < untilMs).length };
    }),
  };
}

/**
 * How long a session took, from its first event to its last: as it was measured, else by its window, which goes on
 * for the gap behind the last event.
 *
 * @param {Row} row
 * @param {SeriesView} definition
 */
export function lengthOf({ measures, windowStart, windowEnd }, { window }) {
  const measured = measures['length'] ?? measures['duration'];
  if (typeof measured === 'number') return measured;
  return Math.max(0, Date.parse(windowEnd) - Date.parse(windowStart) - (window?.gapMs ?? 0));
}

/**
 * The measure that says how many events a session had: the first that is a number and not its length.
 *
 * @param {Row[]} rows
 * @returns {string | undefined}
 */
export function countedBy(rows) {
  return Object.entries(rows[0]?.measures ?? {}).find(
    ([name, value]) => typeof value === 'number' && name !== 'length' && name !== 'duration',
  )?.[0];
}

/**
 * The texts of a session, such as where it began and ended, by measure.
 *
 * @param {Row} row
 * @returns {[name: string, value: string][]}
 */
export function textsOf({ measures }) {
  return Object.entries(measures).flatMap(([name, value]) =>
    typeof value === 'string' ? [/** @type {[string, string]} */ ([name, value])] : [],
  );
}
