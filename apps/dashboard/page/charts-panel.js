import { Chart } from './chart.js';
import { at, say } from './dom.js';
import { showLegend } from './figures.js';
import * as format from './format.js';
import { minutesOf } from './minutes.js';
import { showMinutes } from './minutes-table.js';

/**
 * @typedef {import('./minutes.js').Charted} Charted
 * @typedef {import('./stream-model.js').StreamModel} StreamModel
 * @typedef {{min: number, max: number}} Range
 */

const DURATIONS = [
  { path: 'duration.p50', label: 'p50', colour: 'p50' },
  { path: 'duration.p95', label: 'p95', colour: 'p95' },
  { path: 'duration.p99', label: 'p99', colour: 'p99' },
];
const ERRORS = [{ path: 'errors', label: 'errors', colour: 'errors', isFilled: true }];

/** The charts: the large one of the main series, and errors and response times where there are any. */
export class ChartsPanel {
  /** @type {Chart | undefined} */
  #main;
  /** @type {Chart | undefined} */
  #errors;
  /** @type {Chart | undefined} */
  #durations;
  /** @type {Charted[]} */
  #lines = [];
  /** @type {number | null} */
  #cursor = null;
  /** What was drawn last: drawing a month of minutes again for nothing would cost. */
  #shown = '';
  #onZoom;

  /** @param {(range: Range | undefined) => void} onZoom */
  constructor(onZoom) {
    this.#onZoom = onZoom;
  }

  /**
   * @param {StreamModel} model
   * @param {Charted[]} lines
   * @param {Range | undefined} range
   * @param {Range[]} bands when an alert of the stream was firing
   */
  show(model, lines, range, bands) {
    const input = JSON.stringify([lines, range, bands, model.version]);
    if (input === this.#shown) return;
    this.#shown = input;
    if (JSON.stringify(lines) !== JSON.stringify(this.#lines)) this.#rebuild(lines);
    if (lines.length === 0) return;
    const minutes = minutesOf(
      model,
      lines.map((line) => ({ ...line, emptyAs: /** @type {const} */ (0) })),
    );
    this.#main?.show(minutes, range, bands);
    say(
      at('chart-title'),
      `${format.title(lines.map(({ label }) => label).join(' and '))} per ${stepName(minutes.stepMs)}`,
    );
    showMinutes(at('minutes-table'), lines, minutes);
    this.#showLegend();
    this.#showDetails(model, range, bands);
  }

  /** @param {Charted[]} lines */
  #rebuild(lines) {
    for (const chart of [this.#main, this.#errors, this.#durations]) chart?.destroy();
    this.#lines = lines;
    const onZoom = this.#onZoom;
    this.#main = new Chart(at('chart'), {
      lines: lines.map((line) => ({ ...line, isFilled: true })),
      format: format.count,
      onZoom,
      onCursor: (index) => {
        this.#cursor = index;
        this.#showLegend();
      },
    });
    at('errors-panel').hidden = false;
    at('duration-panel').hidden = false;
    this.#errors = new Chart(at('errors-chart'), { lines: ERRORS, format: format.count, onZoom });
    this.#durations = new Chart(at('duration-chart'), { lines: DURATIONS, format: format.latency, onZoom });
    showLegend(at('duration-legend'), DURATIONS, []);
  }

  /**
   * @param {StreamModel} model
   * @param {Range | undefined} range
   * @param {Range[]} bands
   */
  #showDetails(model, range, bands) {
    const seriesWith = (/** @type {string} */ name) =>
      model.definitions.find(({ measures }) => measures.includes(name))?.series ?? '';
    const errors = minutesOf(
      model,
      ERRORS.map((line) => ({ ...line, series: seriesWith('errors'), emptyAs: /** @type {const} */ (0) })),
    );
    const durations = minutesOf(
      model,
      DURATIONS.map((line) => ({ ...line, series: seriesWith('duration'), emptyAs: null })),
    );
    at('errors-panel').hidden = errors.seconds.length === 0;
    at('duration-panel').hidden = durations.values.every((line) => line.every((value) => value === null));
    this.#errors?.show(errors, range, bands);
    this.#durations?.show(durations, range, bands);
  }

  #showLegend() {
    const minutes = this.#main?.minutes;
    if (minutes === undefined || minutes.seconds.length === 0) return;
    const last = minutes.seconds.length - 1;
    const index = this.#cursor ?? last;
    const startMs = (minutes.seconds[index] ?? 0) * 1_000;
    const values = minutes.values.map((line) => format.count(line[index] ?? 0));
    const isFilling = minutes.isProvisional[index] === true;
    showLegend(
      at('legend'),
      this.#lines,
      values,
      `${format.clockTime(startMs)}${isFilling ? ', still filling' : ''}`,
    );
  }
}

/** @param {number} stepMs */
function stepName(stepMs) {
  if (stepMs === 60_000) return 'minute';
  if (stepMs === 3_600_000) return 'hour';
  if (stepMs === 1_000) return 'second';
  return format.duration(stepMs);
}
