import { h, renderOn } from './dom.js';
import * as format from './format.js';
import { measure } from './stream-model.js';

/**
 * @typedef {import('./model.js').Row} Row
 * @typedef {import('./model.js').SeriesView} SeriesView
 * @typedef {import('./stream-model.js').StreamModel} StreamModel
 */

const MAX_LINES = 8;

/**
 * A panel for every series that is not in the chart: lists of the most frequent as bars, the rest as a table.
 *
 * @param {HTMLElement} host
 * @param {{model: StreamModel, charted: string[], pipeline: string, stream: string, nowMs: number}} view
 */
export function showSeries(host, { model, charted, pipeline, stream, nowMs }) {
  const panels = model.definitions
    .filter(({ series }) => !charted.includes(series))
    .map((definition) => ({ definition, rows: rowsOf(model, definition) }))
    .filter(({ rows }) => rows.length > 0);
  renderOn(host, [panels, stream], () =>
    panels.map(({ definition, rows }) => panel(definition, rows, { pipeline, stream, nowMs })),
  );
}

/**
 * @param {StreamModel} model
 * @param {SeriesView} definition
 * @returns {Row[]}
 */
function rowsOf(model, { series, by, measures }) {
  if (by.some((field) => field !== 'stream')) return latestKeys(model.keyed(series), measures[0] ?? '');
  const newest = model.newest(series);
  return newest === undefined ? [] : [newest];
}

/**
 * The latest windows first; in one window the keys with the highest values.
 *
 * @param {Row[]} rows newest first
 * @param {string} path
 */
function latestKeys(rows, path) {
  return rows
    .toSorted(
      (a, b) => b.windowEnd.localeCompare(a.windowEnd) || (measure(b, path) ?? 0) - (measure(a, path) ?? 0),
    )
    .slice(0, MAX_LINES);
}

/**
 * @param {SeriesView} definition
 * @param {Row[]} rows
 * @param {{pipeline: string, stream: string, nowMs: number}} view
 */
function panel({ series, by, measures }, rows, { pipeline, stream, nowMs }) {
  const parameters = new URLSearchParams({ pipeline, stream, order: 'descending', limit: '100' });
  const list = listIn(rows);
  return h(
    'section',
    { class: 'panel' },
    h(
      'div',
      { class: 'panel-head' },
      h('h2', {}, format.title(series)),
      list === undefined ? null : h('span', { class: 'quiet' }, stretchOf(rows[0])),
      h(
        'a',
        { class: 'quiet', href: `/v1/series/${encodeURIComponent(series)}?${parameters.toString()}` },
        'JSON',
      ),
    ),
    list === undefined ? table(rows, { by, measures }, nowMs) : bars(list),
  );
}

/** @param {Row | undefined} row */
function stretchOf(row) {
  return row === undefined ? '' : format.stretch(Date.parse(row.windowStart), Date.parse(row.windowEnd));
}

/**
 * The list of the most frequent, if this is what the newest row holds: entries of a value and how often it came.
 *
 * @param {Row[]} rows
 * @returns {{name: string, count: number}[] | undefined}
 */
function listIn(rows) {
  const lists = Object.values(rows[0]?.measures ?? {});
  const found =
    lists.find((value) => Array.isArray(value)) ??
    lists.flatMap(inside).find((value) => Array.isArray(value));
  if (!Array.isArray(found)) return undefined;
  return found.slice(0, 10).map((entry) => {
    const values = Object.values(entry ?? {});
    return {
      name: String(
        entry?.value ?? entry?.key ?? entry?.item ?? values.find((value) => typeof value === 'string') ?? '',
      ),
      count: Number(entry?.count ?? values.find((value) => typeof value === 'number') ?? 0),
    };
  });
}

/** @param {unknown} value @returns {unknown[]} */
function inside(value) {
  return typeof value === 'object' && value !== null ? Object.values(value) : [];
}

/** @param {{name: string, count: number}[]} list */
function bars(list) {
  const highest = Math.max(1, ...list.map(({ count }) => count));
  return h(
    'ol',
    { class: 'bars' },
    ...list.map(({ name, count }) =>
      h(
        'li',
        {},
        h('meter', { min: 0, max: highest, value: count, 'aria-hidden': 'true' }),
        h('span', { class: 'mono', title: name }, name),
        h('span', {}, format.count(count)),
      ),
    ),
  );
}

/**
 * @param {Row[]} rows
 * @param {{by: string[], measures: string[]}} definition
 * @param {number} nowMs
 */
function table(rows, { by, measures }, nowMs) {
  const keys = by.filter((field) => field !== 'stream');
  const columns = measures.slice(0, 4);
  const head = [
    ...keys.map((name) => h('th', {}, format.title(name))),
    ...columns.map((name) => h('th', { class: 'number' }, format.title(name))),
    h('th', { class: 'number' }, 'Window ended'),
  ];
  const line = (/** @type {Row} */ row) => [
    ...keys.map((name) =>
      h('td', { class: 'path mono', title: String(row.key[name]) }, String(row.key[name] ?? '–')),
    ),
    ...columns.map((name) => h('td', { class: 'number' }, valueText(name, row.measures[name]))),
    h(
      'td',
      { class: 'number quiet' },
      row.phase === 'provisional' ? 'open' : format.moment(Date.parse(row.windowEnd), nowMs),
    ),
  ];
  return h(
    'div',
    { class: 'scroll' },
    h(
      'table',
      {},
      h('thead', {}, h('tr', {}, ...head)),
      h('tbody', {}, ...rows.map((row) => h('tr', {}, ...line(row)))),
    ),
  );
}

/** @param {string} name @param {unknown} value @returns {string} */
function valueText(name, value) {
  if (value === null || value === undefined) return '–';
  if (typeof value === 'number')
    return /length|duration/i.test(name) ? format.duration(value) : format.measured(value);
  if (typeof value === 'object') return valueText(name, Object.values(value)[0]);
  return String(value);
}
