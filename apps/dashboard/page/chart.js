import { clockTime, secondTime, shortDay } from './format.js';

/**
 * @typedef {import('uplot')} UPlot
 * @typedef {import('./minutes.js').Minutes} Minutes
 * @typedef {{label: string, colour: string, isFilled?: boolean}} Line
 * @typedef {{min: number, max: number}} Range in seconds since the epoch
 */

/** @type {typeof import('uplot')} */
const Plot = Reflect.get(globalThis, 'uPlot');
const SYNC_KEY = 'minutes';
/** Half a request means nothing. */
const WHOLE_STEPS = Array.from({ length: 12 }, (_, power) =>
  [1, 2, 5].map((step) => step * 10 ** power),
).flat();

/** @param {string} name */
function colour(name) {
  return getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
}

/**
 * A chart per window over time. What is still filling is drawn dashed with a hollow end, so that nobody takes it
 * for a drop.
 */
export class Chart {
  #host;
  #lines;
  #plot;
  /** @type {Minutes} */
  #minutes = { seconds: [], values: [], isProvisional: [], stepMs: 60_000 };
  /** @type {Range | undefined} */
  #shown;
  /** @type {Range[]} */
  #bands = [];
  #isSetting = false;

  /**
   * @param {HTMLElement} host
   * @param {{
   *   lines: Line[],
   *   format: (value: number) => string,
   *   onZoom: (range: Range | undefined) => void,
   *   onCursor?: (index: number | null) => void,
   * }} options `onZoom`: somebody has chosen a stretch, or by a double click all of it again
   */
  constructor(host, { lines, format, onZoom, onCursor }) {
    this.#host = host;
    this.#lines = lines;
    /** @type {import('uplot').Options} */
    const options = {
      width: Math.max(200, host.clientWidth),
      height: Math.max(100, host.clientHeight),
      tzDate: (seconds) => Plot.tzDate(new Date(seconds * 1_000), 'Etc/UTC'),
      legend: { show: false },
      cursor: {
        sync: { key: SYNC_KEY, scales: ['x', null] },
        drag: { x: true, y: false, setScale: false },
        points: { size: 7 },
        bind: { dblclick: () => () => (onZoom(undefined), null) },
      },
      scales: {
        x: { time: true, range: (_plot, min, max) => this.#range(min, max) },
        y: { range: (_plot, _min, max) => [0, max > 0 ? max * 1.12 : 1] },
      },
      axes: [
        axis({ space: 76, size: 26, values: timeTicks }),
        axis({ size: 52, incrs: WHOLE_STEPS, values: (_plot, ticks) => ticks.map(format) }),
      ],
      series: [{}, ...lines.map(solid), ...lines.map(provisional)],
      hooks: {
        drawClear: [(plot) => this.#drawBands(plot)],
        setSelect: [
          (plot) => {
            if (plot.select.width < 8 || this.#isSetting) return;
            const min = plot.posToVal(plot.select.left, 'x');
            const max = plot.posToVal(plot.select.left + plot.select.width, 'x');
            this.#isSetting = true;
            plot.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
            this.#isSetting = false;
            onZoom({ min, max });
          },
        ],
        setCursor: [(plot) => onCursor?.(plot.cursor.idx ?? null)],
      },
    };
    this.#plot = new Plot(
      options,
      /** @type {import('uplot').AlignedData} */ ([[], ...lines.flatMap(() => [[], []])]),
      host,
    );
    new ResizeObserver(() => this.#resize()).observe(host);
  }

  /**
   * @param {Minutes} minutes
   * @param {Range | undefined} range
   * @param {Range[]} [bands] stretches of time in which something was wrong
   */
  show(minutes, range, bands = []) {
    this.#minutes = minutes;
    this.#shown = range;
    this.#bands = bands;
    const { seconds, values, isProvisional } = minutes;
    const complete = values.map((line) => line.map((value, index) => (isProvisional[index] ? null : value)));
    const filling = values.map((line) =>
      line.map((value, index) => (isProvisional[index] || isProvisional[index + 1] ? value : null)),
    );
    this.#plot.setData(/** @type {import('uplot').AlignedData} */ ([seconds, ...complete, ...filling]), true);
  }

  get minutes() {
    return this.#minutes;
  }

  destroy() {
    this.#plot.destroy();
  }

  /**
   * @param {number | null} min
   * @param {number | null} max
   * @returns {[number, number]}
   */
  #range(min, max) {
    if (this.#shown !== undefined) return [this.#shown.min, this.#shown.max];
    const from = min ?? 0;
    return [from, Math.max(max ?? 0, from + 60)];
  }

  /** @param {UPlot} plot */
  #drawBands(plot) {
    const { ctx, bbox } = plot;
    // An alert is judged when a window ends, a window is drawn where it starts.
    const stepS = this.#minutes.stepMs / 1_000;
    for (const { min, max } of this.#bands) {
      const left = Math.max(bbox.left, plot.valToPos(min - stepS, 'x', true));
      const right = Math.min(bbox.left + bbox.width, plot.valToPos(max - stepS, 'x', true));
      if (right < left) continue;
      ctx.fillStyle = `${colour('firing')}1f`;
      ctx.fillRect(left, bbox.top, Math.max(2, right - left), bbox.height);
    }
  }

  #resize() {
    const { clientWidth: width, clientHeight: height } = this.#host;
    if (width > 0 && (width !== this.#plot.width || height !== this.#plot.height))
      this.#plot.setSize({ width, height });
  }
}

/**
 * Hours and minutes; at the first tick of a day its date, so that a log of several days can be read.
 *
 * @param {UPlot} _plot
 * @param {number[]} ticks
 */
function timeTicks(_plot, ticks) {
  let former = '';
  const stepS = (ticks[1] ?? 0) - (ticks[0] ?? 0);
  return ticks.map((second) => {
    const day = shortDay(second * 1_000);
    const isNew = day !== former && former !== '';
    former = day;
    if (stepS >= 86_400 || isNew) return day;
    return stepS > 0 && stepS < 60 ? secondTime(second * 1_000) : clockTime(second * 1_000);
  });
}

/** @param {Partial<import('uplot').Axis>} own @returns {import('uplot').Axis} */
function axis(own) {
  return {
    stroke: colour('quiet'),
    font: '12px system-ui, sans-serif',
    grid: { stroke: colour('line'), width: 1 },
    ticks: { show: false },
    gap: 6,
    ...own,
  };
}

/** @param {Line} line @returns {import('uplot').Series} */
function solid({ label, colour: name, isFilled }) {
  return {
    label,
    stroke: colour(name),
    width: 1.8,
    ...(isFilled ? { fill: (plot) => shade(plot, colour(name)) } : {}),
    points: { show: false },
    spanGaps: false,
  };
}

/** @param {Line} line @returns {import('uplot').Series} */
function provisional({ label, colour: name }) {
  return {
    label: `${label}, still filling`,
    stroke: `${colour(name)}99`,
    width: 1.2,
    dash: [3, 5],
    points: {
      show: true,
      size: 7,
      width: 1.8,
      stroke: colour(name),
      fill: colour('panel'),
      filter: (plot, seriesIndex) => {
        const values = plot.data[seriesIndex] ?? [];
        const last = values.findLastIndex((value) => value !== null && value !== undefined);
        return last < 0 ? [] : [last];
      },
    },
  };
}

/** @param {UPlot} plot @param {string} base */
function shade(plot, base) {
  const gradient = plot.ctx.createLinearGradient(0, plot.bbox.top, 0, plot.bbox.top + plot.bbox.height);
  gradient.addColorStop(0, `${base}3d`);
  gradient.addColorStop(1, `${base}05`);
  return gradient;
}
