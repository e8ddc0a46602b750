import { h, renderOn } from './dom.js';
import * as format from './format.js';

/**
 * @typedef {import('./minutes.js').Charted} Charted
 * @typedef {import('./minutes.js').Minutes} Minutes
 */

const MAX_LINES = 30;

/**
 * The latest minutes of the chart as numbers, newest first: the chart for those who can't see it.
 *
 * @param {HTMLElement} host
 * @param {Charted[]} lines
 * @param {Minutes} minutes
 */
export function showMinutes(host, lines, { seconds, values, isProvisional }) {
  const first = Math.max(0, seconds.length - MAX_LINES);
  const shown = seconds.slice(first).map((second, index) => ({
    second,
    isProvisional: isProvisional[first + index],
    values: values.map((line) => line[first + index]),
  }));
  renderOn(host, [lines, shown], () => [
    h(
      'table',
      {},
      h(
        'thead',
        {},
        h(
          'tr',
          {},
          h('th', {}, 'Minute (UTC)'),
          ...lines.map(({ label }) => h('th', { class: 'number' }, format.title(label))),
        ),
      ),
      h('tbody', {}, ...shown.reverse().map(tableLine)),
    ),
  ]);
}

/** @param {{second: number, isProvisional: boolean | undefined, values: (number | null | undefined)[]}} line */
function tableLine({ second, isProvisional, values }) {
  const startMs = second * 1_000;
  return h(
    'tr',
    isProvisional ? { class: 'provisional' } : {},
    h(
      'td',
      {},
      `${format.day(startMs)}, ${format.clockTime(startMs)}${isProvisional ? ', still filling' : ''}`,
    ),
    ...values.map((value) =>
      h('td', { class: 'number' }, value === null || value === undefined ? '–' : format.count(value)),
    ),
  );
}
