import { h, renderOn } from './dom.js';
import * as format from './format.js';

/**
 * @typedef {import('./model.js').Fates} Fates
 * @typedef {{name: string, count: number, why: string, tone?: 'warn' | 'bad', href?: string, linkText?: string}} FateLine
 */

/**
 * Every way in which events of the stream ended, with what can be done about it.
 *
 * @param {HTMLElement} host
 * @param {Fates} fates
 * @param {{pipeline: string, stream: string}} place
 */
export function showFates(host, fates, place) {
  renderOn(host, [fates, place], () => linesOf(fates, place).map(line));
}

/** @param {FateLine} fate */
function line({ name, count, why, tone, href, linkText }) {
  return h(
    'div',
    { class: 'fate', 'data-tone': count > 0 ? tone : undefined },
    h('span', { class: 'name' }, name),
    h('span', { class: 'count' }, format.count(count)),
    h(
      'span',
      { class: 'why' },
      why,
      href === undefined ? null : ' ',
      href === undefined ? null : h('a', { href }, linkText ?? 'Show them'),
    ),
  );
}

/**
 * @param {Fates} fates
 * @param {{pipeline: string, stream: string}} place
 * @returns {FateLine[]}
 */
function linesOf(fates, { pipeline, stream }) {
  /** @type {FateLine[]} */
  const always = [{ name: 'Counted', count: fates.counted, why: 'In the results, exactly once.' }];
  const codes = Object.entries(fates.deadByCode).sort(([, a], [, b]) => b - a);
  const dead = codes.map(([code, count]) => rejected(code, count, { pipeline, stream }));
  const uncoded = fates.dead - codes.reduce((sum, [, count]) => sum + count, 0);
  if (uncoded > 0) dead.push(rejected('', uncoded, { pipeline, stream }));
  const others = lateLines(fates, pipeline).filter(({ count }) => count > 0);
  const quiet = [
    { name: 'Repeated', count: fates.duplicate, why: 'Had an id that was counted before; dropped.' },
    { name: 'Filtered', count: fates.filtered, why: 'Left out by a step of the pipeline.' },
  ].filter(({ count }) => count > 0);
  /** @type {FateLine[]} */
  const fine =
    dead.length + others.length === 0
      ? [{ name: 'Late or rejected', count: 0, why: 'None: every event was in time and could be read.' }]
      : [];
  return [...always, ...dead, ...others, ...fine, ...quiet];
}

/**
 * @param {Fates} fates
 * @param {string} pipeline
 * @returns {FateLine[]}
 */
function lateLines(fates, pipeline) {
  return [
    {
      name: 'Late',
      count: fates.late,
      tone: 'warn',
      why: `Came after their window was final; kept on the topic ${pipeline}.late. A larger allowedLateness of the series, or maxOutOfOrderness of the pipeline, would count them.`,
    },
    {
      name: 'From the future',
      count: fates.future,
      tone: 'warn',
      why: `Claim to have happened well after they arrived; kept on the topic ${pipeline}.late. Check the sender's clock and time zone, or raise maxFutureSkew.`,
    },
  ];
}

/**
 * @param {string} code
 * @param {number} count
 * @param {{pipeline: string, stream: string}} place
 * @returns {FateLine}
 */
function rejected(code, count, { pipeline, stream }) {
  const parameters = new URLSearchParams({ pipeline, stream });
  if (code !== '') parameters.set('code', code);
  return {
    name: code === '' ? 'Rejected' : `Rejected: ${format.title(code)}`,
    count,
    tone: 'bad',
    why: hintOf(code),
    href: `/v1/dead-letters?${parameters.toString()}`,
    linkText: 'Show each with its place and reason',
  };
}

/** What can be done about it, by code; docs/errors.md has them all. @type {Record<string, string>} */
const HINTS = {
  LINE_UNPARSABLE:
    'Could not be read as a line of a log. If the format was guessed wrong, name it in the address: format=combined, common, nginx-json or json.',
  LINE_TOO_LONG: 'Longer than the 256 KiB that a line may have.',
  TIME_INVALID: 'The time is missing, or is not one that can be read.',
  EVENT_NOT_JSON: 'Not JSON.',
  EVENT_NOT_OBJECT: 'JSON, but not an object.',
  EVENT_NOT_OF_SCHEMA: 'A field is missing or is not of the type that the schema asks for.',
  EVENT_TOO_LARGE: 'Larger than the 256 KiB that an event may have.',
  EVENT_TOO_DEEP: 'Nested too deeply.',
  CLOUD_EVENT_INVALID: 'Says that it is a CloudEvent, but an attribute is missing or wrong.',
};

/** @param {string} code */
function hintOf(code) {
  return HINTS[code] ?? 'Could not be processed; the original is kept.';
}
