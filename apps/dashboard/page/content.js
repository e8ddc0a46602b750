import { firingTimes, showAlerts } from './alerts-panel.js';
import { at, say } from './dom.js';
import { showFates } from './fates-panel.js';
import { showFigures } from './figures.js';
import * as format from './format.js';
import { showSeries } from './series-panels.js';
import { showStages } from './stages-panel.js';

/**
 * @typedef {import('./view-state.js').Range} Range
 * @typedef {{
 *   pipeline: string,
 *   stream: string,
 *   model: import('./stream-model.js').StreamModel,
 *   alerts: import('./model.js').Alert[],
 *   summary: import('./model.js').StreamSummary | undefined,
 *   state: import('./model.js').PipelineState,
 *   sessions: Map<string, import('./sessions-loader.js').SessionPage>,
 *   charted: import('./minutes.js').Charted[],
 *   range: Range | undefined,
 *   span: import('./view-state.js').Span,
 *   isLive: boolean,
 *   isZoomed: boolean,
 *   isComplete: boolean,
 *   nowMs: number,
 * }} View what is to be shown
 */

/** @param {View} view */
export function showVitals({ stream, summary, alerts, nowMs }) {
  const lastWrite = summary?.lastWrite ?? null;
  const watermark = summary?.watermark ?? null;
  say(at('data-age'), lastWrite === null ? '–' : format.age(nowMs - Date.parse(lastWrite)));
  say(at('watermark'), watermark === null ? '–' : format.moment(Date.parse(watermark), nowMs));
  const behindMs = watermark === null ? Infinity : nowMs - Date.parse(watermark);
  say(at('behind'), behindMs < 3_600_000 ? `${format.duration(behindMs)} behind` : '');
  const isFiring = alerts.some(({ status }) => status === 'firing');
  document.title = `${isFiring ? '● ' : ''}${stream === '' ? '' : `${stream} · `}Millrace`;
}

/**
 * @param {View} view
 * @param {import('./charts-panel.js').ChartsPanel} charts
 */
export function showContent(view, charts) {
  const { pipeline, stream, model, sessions, alerts, summary, state, charted, range, isLive, nowMs } = view;
  const place = { pipeline, stream };
  const isShown = (/** @type {number} */ startMs) =>
    range === undefined || (startMs >= range.min * 1_000 && startMs <= range.max * 1_000);
  const bands = firingTimes(alerts, { nowMs, stream });
  say(at('page-title'), `Stream ${stream} of pipeline ${pipeline}`);
  showAlerts({ firing: at('firing'), list: at('alerts') }, alerts, { nowMs, stream });
  showFigures(at('figures'), { model, charted, isShown, isLive, pipeline: state });
  charts.show(model, charted, range, bands);
  at('band-hint').hidden = bands.length === 0;
  showRange(view);
  if (summary !== undefined) showFates(at('fates'), summary.fates, place);
  showSeries(at('series'), {
    model,
    sessions,
    charted: charted.map(({ series }) => series),
    ...place,
    nowMs,
  });
  showStages(at('stages'), state.stages);
  at('dead-letters-link').setAttribute('href', `/v1/dead-letters?${new URLSearchParams(place).toString()}`);
  at('pipeline-link').setAttribute('href', `/v1/pipelines/${encodeURIComponent(pipeline)}`);
}

/** @param {View} view */
function showRange({ range, span, isZoomed, isComplete }) {
  const text = range === undefined ? 'no events yet' : format.stretch(range.min * 1_000, range.max * 1_000);
  say(at('chart-range'), isComplete || span === 'hour' ? text : `${text} (the newest 50,000 minutes)`);
  at('range-hour').setAttribute('aria-pressed', String(span === 'hour' && !isZoomed));
  at('range-all').setAttribute('aria-pressed', String(span === 'all' && !isZoomed));
  at('range-reset').hidden = !isZoomed;
}
