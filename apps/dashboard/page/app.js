import { firingTimes, showAlerts } from './alerts-panel.js';
import { ChartsPanel } from './charts-panel.js';
import { at, say } from './dom.js';
import { showFates } from './fates-panel.js';
import { showFigures } from './figures.js';
import * as format from './format.js';
import { readHistory } from './history.js';
import { LiveConnection } from './live-connection.js';
import { chartedSeries } from './minutes.js';
import { offerCommands } from './send-command.js';
import { showSeries } from './series-panels.js';
import { showStages } from './stages-panel.js';
import { StreamModel } from './stream-model.js';
import { StreamPicker } from './stream-picker.js';
import { fitTime, streamToFollow } from './view-state.js';

/**
 * @typedef {import('./model.js').LiveEvents} LiveEvents
 * @typedef {import('./model.js').Alert} Alert
 * @typedef {import('./model.js').Snapshot} Snapshot
 * @typedef {import('./model.js').StreamSummary} StreamSummary
 * @typedef {import('./model.js').PipelineState} PipelineState
 * @typedef {import('./model.js').StreamView} StreamView
 * @typedef {import('./live-connection.js').ConnectionState} ConnectionState
 */

const STATES = { connecting: 'Connecting…', live: 'Live', reconnecting: 'Reconnecting…' };
/** A log that is being loaded changes its past; that is read again at most this often. */
const HISTORY_PAUSE_MS = 2_000;
/** As many rows of a series as a snapshot brings at most; with fewer there is nothing else. */
const SNAPSHOT_ROWS = 120;

class Page {
  #model = new StreamModel();
  #parameters = new URLSearchParams(location.search);
  #pipeline = this.#parameters.get('pipeline') ?? '';
  #stream = this.#parameters.get('stream') ?? '';
  #isChosen = this.#parameters.has('stream');
  /** @type {string[]} */
  #pipelines = [];
  /** @type {Map<string, StreamView>} */
  #streams = new Map();
  /** @type {Alert[]} */
  #alerts = [];
  /** @type {StreamSummary | undefined} */
  #summary;
  /** @type {PipelineState | undefined} */
  #state;
  /** @type {import('./view-state.js').Range | undefined} */
  #zoom;
  /** @type {import('./view-state.js').Span | undefined} */
  #span;
  #openedMs = Date.now();
  #skewMs = 0;
  #isRenderDue = false;
  #isComplete = true;
  #history = new AbortController();
  #isHistoryWanted = false;
  #historyReadMs = 0;

  #charts = new ChartsPanel((range) => {
    this.#zoom = range;
    this.#render();
  });
  #connection = new LiveConnection(
    (type, data) => this.#receive(type, data),
    (state) => this.#showConnection(state),
  );
  #picker = new StreamPicker(
    {
      select: /** @type {HTMLSelectElement} */ (at('stream')),
      pipelineSelect: /** @type {HTMLSelectElement} */ (at('pipeline')),
      pipelinePicker: at('pipeline-picker'),
    },
    {
      onStream: (stream) => this.#choose({ stream }),
      onPipeline: (pipeline) => this.#choose({ pipeline, stream: '' }),
    },
  );

  start() {
    offerCommands();
    for (const span of /** @type {const} */ (['hour', 'all'])) {
      at(`range-${span}`).addEventListener('click', () => {
        this.#span = span;
        this.#zoom = undefined;
        this.#wantHistory();
        this.#render();
      });
    }
    at('range-reset').addEventListener('click', () => {
      this.#zoom = undefined;
      this.#render();
    });
    setInterval(() => this.#tick(), 1_000);
    this.#connection.open({ pipeline: this.#pipeline, stream: this.#stream });
  }

  get #nowMs() {
    return Date.now() + this.#skewMs;
  }

  /**
   * Shows a stream, or a pipeline, that somebody has chosen.
   *
   * @param {{pipeline?: string, stream: string}} choice
   */
  #choose({ pipeline = this.#pipeline, stream }) {
    this.#isChosen = stream !== '';
    this.#pipeline = pipeline;
    const url = new URL(location.href);
    if (stream === '') url.searchParams.delete('stream');
    else url.searchParams.set('stream', stream);
    if (this.#pipelines.length > 1) url.searchParams.set('pipeline', pipeline);
    history.replaceState(null, '', url);
    this.#switchTo(stream);
  }

  /** @param {string} stream */
  #switchTo(stream) {
    this.#stream = stream;
    this.#zoom = undefined;
    this.#span = undefined;
    this.#summary = undefined;
    this.#history.abort();
    this.#model.clear();
    this.#connection.open({ pipeline: this.#pipeline, stream });
  }

  /**
   * @template {keyof LiveEvents} K
   * @param {K} type
   * @param {LiveEvents[K]} data
   */
  #receive(type, data) {
    const handlers = /** @type {{[T in keyof LiveEvents]: (data: LiveEvents[T]) => void}} */ ({
      snapshot: (snapshot) => this.#begin(snapshot),
      points: ({ stream, rows }) => {
        if (stream === this.#stream) this.#model.apply(rows);
      },
      stages: (state) => this.#receiveState(state),
      alerts: ({ alerts }) => (this.#alerts = alerts),
      fates: (summary) => this.#receiveSummary(summary),
      heartbeat: ({ now }) => (this.#skewMs = Date.parse(now) - Date.now()),
    });
    handlers[type](data);
    this.#renderSoon();
  }

  /** @param {Snapshot} snapshot */
  #begin(snapshot) {
    this.#skewMs = Date.parse(snapshot.now) - Date.now();
    this.#pipeline = snapshot.pipeline;
    this.#pipelines = snapshot.pipelines;
    this.#stream = snapshot.stream;
    this.#streams = new Map(snapshot.streams.map((stream) => [stream.name, stream]));
    this.#alerts = snapshot.alerts;
    this.#summary = snapshot;
    this.#state = snapshot;
    this.#model.clear();
    this.#model.definitions = snapshot.series;
    this.#model.apply(snapshot.rows);
    this.#history.abort();
    this.#wantHistory();
  }

  /** @param {PipelineState} state */
  #receiveState(state) {
    this.#state = state;
    const next = streamToFollow({
      streams: state.streams,
      known: new Set(this.#streams.keys()),
      stream: this.#stream,
      isChosen: this.#isChosen,
      openedMs: this.#openedMs + this.#skewMs,
    });
    for (const stream of state.streams) this.#streams.set(stream.name, stream);
    if (next === undefined) return;
    say(at('announcer'), `Showing ${next}, which has just been written to`);
    this.#switchTo(next);
  }

  /** @param {StreamSummary} summary */
  #receiveSummary(summary) {
    if (summary.stream !== this.#stream) return;
    const hasGrown = summary.fates.counted !== this.#summary?.fates.counted;
    this.#summary = summary;
    if (hasGrown && !this.#fit().isLive) this.#wantHistory();
  }

  #wantHistory() {
    this.#isHistoryWanted = true;
    void this.#readHistory();
  }

  /** Reads what is older than the snapshot, where it is shown. */
  async #readHistory() {
    const isPause = this.#nowMs - this.#historyReadMs < HISTORY_PAUSE_MS && this.#historyReadMs > 0;
    if (!this.#isHistoryWanted || (isPause && !this.#history.signal.aborted)) return;
    this.#isHistoryWanted = false;
    const charted = chartedSeries(this.#model);
    const isAllHere = charted.every(({ series }) => this.#model.windows(series).length < SNAPSHOT_ROWS);
    if (this.#stream === '' || isAllHere || this.#fit().span === 'hour') return;
    this.#historyReadMs = this.#nowMs;
    this.#history = new AbortController();
    const { signal } = this.#history;
    const place = { pipeline: this.#pipeline, stream: this.#stream, signal };
    try {
      const complete = await Promise.all(
        charted.map(({ series }) =>
          readHistory({ ...place, series }, (rows) => {
            if (!signal.aborted) this.#model.apply(rows);
            this.#renderSoon();
          }),
        ),
      );
      this.#isComplete = complete.every(Boolean);
    } catch {
      // Aborted, or the app is away: then the connection says so, and its next snapshot starts this again.
      if (!signal.aborted) this.#isHistoryWanted = true;
    }
    this.#renderSoon();
  }

  #tick() {
    void this.#readHistory();
    this.#render();
  }

  /** @param {ConnectionState} state */
  #showConnection(state) {
    const element = at('connection');
    element.dataset['state'] = state;
    say(element, STATES[state]);
    if (state === 'reconnecting' && this.#state !== undefined) document.body.dataset['view'] = 'stale';
  }

  /** Points come many a second; the screen shows as many as it can. */
  #renderSoon() {
    if (this.#isRenderDue) return;
    this.#isRenderDue = true;
    requestAnimationFrame(() => {
      this.#isRenderDue = false;
      this.#render();
    });
  }

  #fit() {
    const charted = chartedSeries(this.#model);
    return {
      charted,
      ...fitTime({ model: this.#model, charted, nowMs: this.#nowMs, zoom: this.#zoom, span: this.#span }),
    };
  }

  #render() {
    if (this.#state === undefined || document.hidden) return;
    const isEmpty = this.#streams.size === 0;
    at('empty').hidden = !isEmpty;
    at('content').hidden = isEmpty;
    if (at('connection').dataset['state'] === 'live')
      document.body.dataset['view'] = isEmpty ? 'empty' : 'live';
    this.#showHeader();
    if (!isEmpty) this.#showContent();
  }

  #showHeader() {
    const nowMs = this.#nowMs;
    const lastWrite = this.#summary?.lastWrite ?? this.#streams.get(this.#stream)?.lastWrite ?? null;
    const watermark = this.#summary?.watermark ?? null;
    say(at('data-age'), lastWrite === null ? '–' : format.age(nowMs - Date.parse(lastWrite)));
    say(at('watermark'), watermark === null ? '–' : format.moment(Date.parse(watermark), nowMs));
    const behindMs = watermark === null ? Infinity : nowMs - Date.parse(watermark);
    say(at('behind'), behindMs < 3_600_000 ? `${format.duration(behindMs)} behind` : '');
    const streams = [...this.#streams.values()];
    this.#picker.show({
      streams,
      stream: this.#stream,
      pipelines: this.#pipelines,
      pipeline: this.#pipeline,
      nowMs,
    });
    document.title = `${this.#alerts.some(({ status }) => status === 'firing') ? '● ' : ''}${this.#stream || 'Millrace'} · Millrace`;
  }

  #showContent() {
    const nowMs = this.#nowMs;
    const place = { pipeline: this.#pipeline, stream: this.#stream };
    const { charted, range, span } = this.#fit();
    const isShown = (/** @type {number} */ startMs) =>
      range === undefined || (startMs >= range.min * 1_000 && startMs <= range.max * 1_000);
    showAlerts({ firing: at('firing'), list: at('alerts') }, this.#alerts, { nowMs, stream: this.#stream });
    showFigures(at('figures'), { model: this.#model, charted, isShown, pipeline: this.#state });
    const bands = firingTimes(this.#alerts, { nowMs, stream: this.#stream });
    this.#charts.show(this.#model, charted, range, bands);
    at('band-hint').hidden = bands.length === 0;
    this.#showRange(range, span);
    if (this.#summary !== undefined) showFates(at('fates'), this.#summary.fates, place);
    showSeries(at('series'), {
      model: this.#model,
      charted: charted.map(({ series }) => series),
      ...place,
      nowMs,
    });
    showStages(at('stages'), this.#state?.stages ?? []);
    at('dead-letters-link').setAttribute('href', `/v1/dead-letters?${new URLSearchParams(place).toString()}`);
    at('pipeline-link').setAttribute('href', `/v1/pipelines/${encodeURIComponent(this.#pipeline)}`);
  }

  /**
   * @param {import('./view-state.js').Range | undefined} range
   * @param {import('./view-state.js').Span} span
   */
  #showRange(range, span) {
    const text = range === undefined ? 'no events yet' : format.stretch(range.min * 1_000, range.max * 1_000);
    say(
      at('chart-range'),
      this.#isComplete || span === 'hour' ? text : `${text} (the newest 50,000 minutes)`,
    );
    at('range-hour').setAttribute('aria-pressed', String(span === 'hour' && this.#zoom === undefined));
    at('range-all').setAttribute('aria-pressed', String(span === 'all' && this.#zoom === undefined));
    at('range-reset').hidden = this.#zoom === undefined;
  }
}

new Page().start();
