import { h } from './dom.js';
import * as format from './format.js';

/**
 * Names with how many of each, as bars.
 *
 * @param {{name: string, count: number}[]} list in the order in which it is shown
 * @param {{isMono?: boolean}} [options] `isMono`: the names are code, such as paths; default true
 */
export function bars(list, { isMono = true } = {}) {
  const highest = Math.max(1, ...list.map(({ count }) => count));
  return h(
    'ol',
    { class: 'bars' },
    ...list.map(({ name, count }) =>
      h(
        'li',
        {},
        h('meter', { min: 0, max: highest, value: count, 'aria-hidden': 'true' }),
        h('span', isMono ? { class: 'mono', title: name } : {}, name),
        h('span', {}, format.count(count)),
      ),
    ),
  );
}
