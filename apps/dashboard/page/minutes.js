import { measure } from './stream-model.js';

/**
 * @typedef {import('./model.js').Row} Row
 * @typedef {import('./model.js').SeriesView} SeriesView
 * @typedef {import('./stream-model.js').StreamModel} StreamModel
 * @typedef {{series: string, path: string, label: string, colour: string}} Charted
 * @typedef {{seconds: number[], values: (number | null)[][], isProvisional: boolean[], stepMs: number}} Minutes
 */

const COLOURS = ['requests', 'visits'];

/**
 * What the large chart shows: the first number of the first two series that are by the stream only and have one.
 *
 * @param {StreamModel} model
 * @returns {Charted[]}
 */
export function chartedSeries(model) {
  return model.definitions
    .filter(({ by }) => by.every((field) => field === 'stream'))
    .flatMap(({ series, measures }) => {
      const row = model.newest(series);
      const path = measures.find((name) => measure(row, name) !== null);
      return path === undefined ? [] : [{ series, path }];
    })
    .slice(0, COLOURS.length)
    .map(({ series, path }, index) => ({ series, path, label: path, colour: COLOURS[index] ?? 'requests' }));
}

/**
 * The rows of several series on one axis of windows. Windows without a row had no event: they are zero, and only
 * the edges of such a gap are written, so that a year with one hour of events stays small.
 *
 * @param {StreamModel} model
 * @param {{series: string, path: string, emptyAs: 0 | null}[]} lines
 * @returns {Minutes}
 */
export function minutesOf(model, lines) {
  const bySeries = lines.map(({ series }) => new Map(model.windows(series)));
  const starts = [...new Set(bySeries.flatMap((rows) => [...rows.keys()]))].sort((a, b) => a - b);
  const stepMs = stepOf(bySeries);
  const axis = withGapEdges(starts, stepMs);
  return {
    seconds: axis.map((startMs) => startMs / 1_000),
    values: lines.map(({ path, emptyAs }, index) =>
      axis.map((startMs) => {
        const row = bySeries[index]?.get(startMs);
        return row === undefined ? emptyAs : measure(row, path);
      }),
    ),
    isProvisional: axis.map((startMs) => bySeries.some((rows) => rows.get(startMs)?.phase === 'provisional')),
    stepMs,
  };
}

/** @param {Map<number, Row>[]} bySeries */
function stepOf(bySeries) {
  for (const rows of bySeries) {
    for (const [startMs, row] of rows) return Math.max(1, Date.parse(row.windowEnd) - startMs);
  }
  return 60_000;
}

/**
 * @param {number[]} starts
 * @param {number} stepMs
 */
function withGapEdges(starts, stepMs) {
  /** @type {number[]} */
  const axis = [];
  for (const startMs of starts) {
    const formerMs = axis.at(-1) ?? startMs;
    if (startMs - formerMs > stepMs) {
      axis.push(formerMs + stepMs);
      if (startMs - formerMs > stepMs * 2) axis.push(startMs - stepMs);
    }
    axis.push(startMs);
  }
  return axis;
}
