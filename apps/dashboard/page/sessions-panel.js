import { bars } from './bars.js';
import { h } from './dom.js';
import * as format from './format.js';
import { countedBy, figuresOf, lengthOf, textsOf } from './sessions.js';

/**
 * @typedef {import('./model.js').Row} Row
 * @typedef {import('./model.js').SeriesView} SeriesView
 * @typedef {import('./sessions-loader.js').SessionPage} SessionPage
 */

const MAX_LINES = 6;

/**
 * What the sessions of a series look like, and the latest of them.
 *
 * @param {SeriesView} definition
 * @param {SessionPage} page at least one row
 * @param {number} nowMs
 */
export function sessionsContent(definition, { rows, isAll }, nowMs) {
  const figures = figuresOf(rows, definition);
  return [
    h('p', { class: 'quiet' }, scopeOf(rows, isAll, nowMs)),
    keyFigures(figures, countedBy(rows)),
    h('h3', { class: 'part' }, figures.open === 0 ? 'How long they took' : 'How long they have taken so far'),
    bars(
      figures.lengths.map(({ label, count }) => ({ name: label, count })),
      { isMono: false },
    ),
    h('h3', { class: 'part' }, 'The latest'),
    latest(rows.slice(0, MAX_LINES), definition, nowMs),
  ];
}

/**
 * @param {Row[]} rows newest first
 * @param {boolean} isAll
 * @param {number} nowMs
 */
function scopeOf(rows, isAll, nowMs) {
  const sinceMs = Date.parse(rows.at(-1)?.windowStart ?? '');
  const since = `began since ${format.moment(sinceMs, nowMs)}`;
  return isAll
    ? `All ${format.count(rows.length)} sessions, ${since}`
    : `The newest ${format.count(rows.length)} sessions, ${since}; there are older ones`;
}

/**
 * @param {import('./sessions.js').SessionFigures} figures
 * @param {string | undefined} counted
 */
function keyFigures({ open, medianMs, perSession, single }, counted = 'events') {
  const shown = [
    [open === 0 ? 'Median length' : 'Median, so far', format.duration(medianMs)],
    ...(perSession === null ? [] : [[`${format.title(counted)} each`, format.rate(perSession)]]),
    ...(single === null ? [] : [['With one alone', format.percent(single)]]),
    ['Still open', format.count(open)],
  ];
  return h(
    'dl',
    { class: 'key-figures' },
    ...shown.map(([name, value]) => h('div', {}, h('dt', {}, name), h('dd', {}, value))),
  );
}

/**
 * @param {Row[]} rows
 * @param {SeriesView} definition
 * @param {number} nowMs
 */
function latest(rows, definition, nowMs) {
  const names = [...new Set(rows.flatMap((row) => textsOf(row).map(([name]) => name)))].slice(0, 2);
  const counted = countedBy(rows);
  const head = h(
    'tr',
    {},
    h('th', {}, 'Began'),
    ...names.map((name) => h('th', { class: 'path' }, format.title(name))),
    h('th', { class: 'number' }, 'Length'),
    counted === undefined ? null : h('th', { class: 'number' }, format.title(counted)),
  );
  const line = (/** @type {Row} */ row) => {
    const texts = new Map(textsOf(row));
    const isOpen = row.phase === 'provisional';
    return h(
      'tr',
      {},
      h('td', { class: 'when' }, beganAt(Date.parse(row.windowStart), nowMs)),
      ...names.map((name) => {
        const value = texts.get(name) ?? '–';
        return h('td', { class: 'path mono', title: value }, value);
      }),
      h(
        'td',
        { class: isOpen ? 'number provisional' : 'number', title: isOpen ? 'still open' : undefined },
        `${format.duration(lengthOf(row, definition))}${isOpen ? ' …' : ''}`,
      ),
      counted === undefined
        ? null
        : h('td', { class: 'number' }, format.count(Number(row.measures[counted] ?? 0))),
    );
  };
  return h('table', { class: 'latest' }, h('thead', {}, head), h('tbody', {}, ...rows.map(line)));
}

/**
 * Short, for a column: the year is in the line above the table.
 *
 * @param {number} ms
 * @param {number} nowMs
 */
function beganAt(ms, nowMs) {
  if (format.day(ms) === format.day(nowMs)) return format.secondTime(ms);
  return `${format.shortDay(ms)}, ${format.clockTime(ms)}`;
}
