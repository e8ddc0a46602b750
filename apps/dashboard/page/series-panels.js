import { bars } from './bars.js';
import { h, renderOn } from './dom.js';
import * as format from './format.js';
import { rankedWindow, rankingIn } from './ranking.js';
import { sessionsContent } from './sessions-panel.js';
import { measure } from './stream-model.js';

/**
 * @typedef {import('./model.js').Row} Row
 * @typedef {import('./model.js').SeriesView} SeriesView
 * @typedef {import('./stream-model.js').StreamModel} StreamModel
 * @typedef {import('./sessions-loader.js').SessionPage} SessionPage
 * @typedef {{note: string, content: import('./dom.js').Child[]}} Shown what a panel holds under its title
 */

const MAX_LINES = 8;

/**
 * A panel for every series that is not in the chart: sessions as figures, lists of the most frequent as bars, the
 * rest as a table.
 *
 * @param {HTMLElement} host
 * @param {{
 *   model: StreamModel,
 *   sessions: Map<string, SessionPage>,
 *   charted: string[],
 *   pipeline: string,
 *   stream: string,
 *   nowMs: number,
 * }} view
 */
export function showSeries(host, { model, sessions, charted, pipeline, stream, nowMs }) {
  const shown = model.definitions
    .filter(({ series }) => !charted.includes(series))
    .map((definition) => ({ definition, ...contentOf(model, definition, sessions.get(definition.series)) }))
    .filter(({ rows, page }) => rows.length > 0 || (page !== undefined && page.rows.length > 0));
  // A page of sessions is known by its version: a thousand rows are too many to compare each second.
  const input = shown.map(({ definition, rows, page }) => [definition, rows, page?.version]);
  renderOn(host, [input, stream], () =>
    shown.map(({ definition, rows, page }) => {
      const inside =
        page === undefined
          ? rowsShown(definition, rows, nowMs)
          : { note: '', content: sessionsContent(definition, page, nowMs) };
      return panel(definition, inside, { pipeline, stream });
    }),
  );
}

/**
 * @param {StreamModel} model
 * @param {SeriesView} definition
 * @param {SessionPage | undefined} page
 * @returns {{rows: Row[], page: SessionPage | undefined}}
 */
function contentOf(model, definition, page) {
  return { rows: page === undefined ? rowsOf(model, definition) : [], page };
}

/**
 * @param {StreamModel} model
 * @param {SeriesView} definition
 * @returns {Row[]}
 */
function rowsOf(model, { series, by, measures }) {
  if (by.some((field) => field !== 'stream')) return latestKeys(model.keyed(series), measures[0] ?? '');
  const rows = model.windows(series).map(([, row]) => row);
  const ranked = rankedWindow(rows);
  if (ranked !== undefined && rankingIn(ranked) !== undefined) return [ranked];
  return rows.slice(-1);
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
 * @param {Shown} shown
 * @param {{pipeline: string, stream: string}} place
 */
function panel({ series }, { note, content }, place) {
  const parameters = new URLSearchParams({ ...place, order: 'descending', limit: '100' });
  return h(
    'section',
    { class: 'panel', 'data-series': series },
    h(
      'div',
      { class: 'panel-head' },
      h('h2', {}, format.title(series)),
      note === '' ? null : h('span', { class: 'quiet' }, note),
      h(
        'a',
        { class: 'quiet', href: `/v1/series/${encodeURIComponent(series)}?${parameters.toString()}` },
        'JSON',
      ),
    ),
    ...content,
  );
}

/**
 * @param {SeriesView} definition
 * @param {Row[]} rows
 * @param {number} nowMs
 * @returns {Shown}
 */
function rowsShown(definition, rows, nowMs) {
  const [row] = rows;
  const list = rankingIn(row);
  if (row === undefined || list === undefined) return { note: '', content: [table(rows, definition, nowMs)] };
  const error = Math.max(0, ...list.map((entry) => entry.error));
  const content = [
    list.length === 0 ? h('p', { class: 'nothing' }, 'Nothing in this window.') : bars(list),
    error === 0
      ? null
      : h('p', { class: 'quiet hint' }, `Counts may be too high by up to ${format.count(error)}.`),
  ];
  return { note: stretchOf(row), content };
}

/** @param {Row} row */
function stretchOf({ windowStart, windowEnd, phase }) {
  const stretch = format.stretch(Date.parse(windowStart), Date.parse(windowEnd));
  return phase === 'provisional' ? `${stretch}, still filling` : stretch;
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
