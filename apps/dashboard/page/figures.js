import { fill, h, renderOn } from './dom.js';
import * as format from './format.js';
import { measure } from './stream-model.js';

/**
 * @typedef {import('./model.js').PipelineState} PipelineState
 * @typedef {import('./model.js').Row} Row
 * @typedef {import('./minutes.js').Charted} Charted
 * @typedef {import('./stream-model.js').StreamModel} StreamModel
 * @typedef {{name: string, value: string, unit?: string, sub: string, colour?: string, tone?: string, title?: string}} Figure
 */

/**
 * Shows the totals of the rows in view, and how fast the pipeline is.
 *
 * @param {HTMLElement} host
 * @param {{model: StreamModel, charted: Charted[], isShown: (startMs: number) => boolean, isLive: boolean, pipeline: PipelineState | undefined}} view
 */
export function showFigures(host, { model, charted, isShown, isLive, pipeline }) {
  const totals = charted.map((line) => total(model, line, { isShown, isLive }));
  const figures = [...totals, ...webFigures(model, isShown), ...pipelineFigures(pipeline)];
  // The articles stay while only their texts change: a screen reader in one of them keeps its place.
  while (host.children.length > figures.length) host.lastElementChild?.remove();
  figures.forEach((figure, index) => {
    const article = host.children[index] ?? host.appendChild(h('article', { class: 'figure' }));
    renderOn(article, figure, () => card(article, figure));
  });
}

/**
 * @param {Element} article
 * @param {Figure} figure
 */
function card(article, { name, value, unit, sub, colour, tone, title }) {
  article.setAttribute('data-tone', tone ?? '');
  if (title === undefined) article.removeAttribute('title');
  else article.setAttribute('title', title);
  const dot = colour === undefined ? null : h('i', { class: 'dot', 'data-colour': colour });
  return [
    h('h3', {}, dot, name),
    h('p', {}, value, unit === undefined ? null : h('small', {}, ` ${unit}`)),
    h('p', {}, sub),
  ];
}

/**
 * @param {StreamModel} model
 * @param {Charted} line
 * @param {{isShown: (startMs: number) => boolean, isLive: boolean}} view
 * @returns {Figure}
 */
function total(model, { series, path, label, colour }, { isShown, isLive }) {
  const rows = model.windows(series).filter(([startMs]) => isShown(startMs));
  const values = rows.map(([, row]) => measure(row, path) ?? 0);
  const sum = values.reduce((all, value) => all + value, 0);
  const last = rows.at(-1)?.[1];
  const lastValue = format.count(values.at(-1) ?? 0);
  const peak = values.reduce((highest, value) => Math.max(highest, value), 0);
  return {
    name: format.title(label),
    value: format.count(sum),
    sub:
      isLive && last?.phase === 'provisional'
        ? `${lastValue} in this minute so far`
        : `${format.count(peak)} in the busiest minute`,
    colour,
    title: `${format.title(label)} in the time that the chart shows`,
  };
}

/**
 * What a web log has besides: errors and response times. Missing where the pipeline does not measure them.
 *
 * @param {StreamModel} model
 * @param {(startMs: number) => boolean} isShown
 * @returns {Figure[]}
 */
function webFigures(model, isShown) {
  const definition = model.definitions.find(
    ({ measures }) => measures.includes('errors') && measures.includes('requests'),
  );
  if (definition === undefined) return [];
  const rows = model.windows(definition.series).filter(([startMs]) => isShown(startMs));
  const sum = (/** @type {string} */ path) =>
    rows.reduce((all, [, row]) => all + (measure(row, path) ?? 0), 0);
  const requests = sum('requests');
  const errors = sum('errors');
  const share = requests === 0 ? 0 : errors / requests;
  /** @type {Figure} */
  const errorFigure = {
    name: 'Errors',
    value: format.percent(share),
    sub: `${format.count(errors)} of ${format.count(requests)}`,
    colour: 'errors',
    ...(share > 0.05 ? { tone: 'bad' } : {}),
    title: 'Share of requests that were answered with a status of 500 or more',
  };
  return definition.measures.includes('duration') ? [errorFigure, durationFigure(rows)] : [errorFigure];
}

/** @param {[number, Row][]} rows @returns {Figure} */
function durationFigure(rows) {
  const timed = rows.filter(([, row]) => measure(row, 'duration.p95') !== null);
  const last = timed.findLast(([, row]) => row.phase !== 'provisional')?.[1] ?? timed.at(-1)?.[1];
  const p95 = measure(last, 'duration.p95');
  const p50 = measure(last, 'duration.p50');
  return {
    name: 'Response time p95',
    value: p95 === null ? '–' : format.latency(p95),
    sub: p95 === null ? 'no durations in this log' : `p50 ${format.latency(p50 ?? 0)}, last minute`,
    colour: 'p95',
  };
}

/** @param {PipelineState | undefined} pipeline @returns {Figure[]} */
function pipelineFigures(pipeline) {
  const { p50Ms = null, p99Ms = null } = pipeline?.latency ?? {};
  const failed = pipeline?.failedShare ?? 0;
  return [
    {
      name: 'Arrival → result',
      value: p50Ms === null ? '–' : format.latency(p50Ms),
      ...(p50Ms === null ? {} : { unit: 'p50' }),
      sub: p99Ms === null ? 'nothing in 5 minutes' : `p99 ${format.latency(p99Ms)}, 5 minutes`,
      title: 'From the arrival of an event to its number on this page',
    },
    {
      name: 'Taken in',
      value: format.rate(pipeline?.eventsPerSecond ?? 0),
      unit: 'events/s',
      sub: `${format.percent(failed)} failed so far`,
      title: 'Events of all streams; failed are those that could not be processed',
    },
  ];
}

/**
 * The legend of a chart, with the values under the cursor or, without one, of the latest window.
 *
 * @param {HTMLElement} host
 * @param {{label: string, colour: string}[]} lines
 * @param {(string | null)[]} values
 * @param {string} [when]
 */
export function showLegend(host, lines, values, when = '') {
  fill(host, [
    ...lines.map(({ label, colour }, index) =>
      h('span', {}, h('i', { class: 'dot', 'data-colour': colour }), label, h('b', {}, values[index] ?? '')),
    ),
    when === '' ? null : h('span', {}, when),
  ]);
}
