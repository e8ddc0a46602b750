import { ChartsPanel } from './charts-panel.js';
import { showContent, showVitals } from './content.js';
import { DeadLettersPanel } from './dead-letters-panel.js';
import { at, say } from './dom.js';
import { HistoryLoader } from './history-loader.js';
import { KeyPanel } from './key-panel.js';
import { takeKey } from './read-key.js';
import { LiveConnection } from './live-connection.js';
import { chartedSeries } from './minutes.js';
import { offerCommands } from './send-command.js';
import { SessionsLoader } from './sessions-loader.js';
import { StreamModel } from './stream-model.js';
import { StreamPicker } from './stream-picker.js';
import { fitTime, streamToFollow } from './view-state.js';

/**
 * @typedef {import('./model.js').LiveEvents} LiveEvents
 * @typedef {import('./model.js').Snapshot} Snapshot
 * @typedef {import('./model.js').StreamSummary} StreamSummary
 * @typedef {import('./model.js').PipelineState} PipelineState
 * @typedef {import('./model.js').StreamView} StreamView
 * @typedef {import('./live-connection.js').ConnectionState} ConnectionState
 */

const STATES = {
  connecting: 'Connecting…',
  live: 'Live',
  reconnecting: 'Reconnecting…',
  refused: 'A key is needed',
};
/** As many rows of a series as a snapshot brings at most; with fewer there is nothing else. */
const SNAPSHOT_ROWS = 120;
/** Between two pictures while points come in: nobody reads faster, and a month of minutes takes a while to draw. */
const PICTURE_MS = 150;

/** What is known, what somebody has chosen, and when to show it. */
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
  /** @type {import('./model.js').Alert[]} */
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
  #isPictureDue = false;

  #history = new HistoryLoader((rows) => {
    this.#model.apply(rows);
    this.#showSoon();
  });
  #deadLetters = new DeadLettersPanel();
  #keyPanel = new KeyPanel();
  #sessions = new SessionsLoader(() => this.#showSoon());
  #charts = new ChartsPanel((range) => this.#lookAt({ zoom: range }));
  #connection = new LiveConnection(
    (type, data) => this.#receive(type, data),
    (state, refusal) => this.#showConnection(state, refusal),
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
    this.#deadLetters.start();
    this.#keyPanel.start();
    addEventListener('hashchange', () => {
      if (takeKey()) this.#connection.again();
    });
    at('range-hour').addEventListener('click', () => this.#lookAt({ span: 'hour' }));
    at('range-all').addEventListener('click', () => this.#lookAt({ span: 'all' }));
    at('range-reset').addEventListener('click', () => this.#lookAt({}));
    setInterval(() => this.#show(), 1_000);
    document.addEventListener('visibilitychange', () => this.#show());
    this.#connection.open({ pipeline: this.#pipeline, stream: this.#stream });
  }

  get #nowMs() {
    return Date.now() + this.#skewMs;
  }

  /**
   * Shows another stretch of time.
   *
   * @param {{zoom?: import('./view-state.js').Range | undefined, span?: import('./view-state.js').Span}} choice
   */
  #lookAt({ zoom, span = this.#span }) {
    this.#zoom = zoom;
    this.#span = span;
    this.#history.want();
    this.#show();
  }

  /**
   * Shows a stream, or a pipeline, that somebody has chosen, and keeps it in the address.
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
    this.#model.clear();
    this.#history.reset();
    this.#sessions.reset();
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
        if (stream !== this.#stream) return;
        this.#model.apply(rows);
        this.#sessions.want();
      },
      stages: (state) => this.#receiveState(state),
      alerts: ({ alerts }) => (this.#alerts = alerts),
      fates: (summary) => this.#receiveSummary(summary),
      heartbeat: ({ now }) => (this.#skewMs = Date.parse(now) - Date.now()),
    });
    handlers[type](data);
    this.#showSoon();
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
    this.#history.reset();
    this.#history.want();
    this.#sessions.reset();
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
    // A log that is being loaded: points show the windows that are open, the store has all of them.
    if (summary.fates.counted !== this.#summary?.fates.counted && !this.#fit().isLive) this.#history.want();
    this.#summary = summary;
  }

  #olderRows() {
    const { charted, span } = this.#fit();
    const isAllHere = charted.every(({ series }) => this.#model.windows(series).length < SNAPSHOT_ROWS);
    if (this.#stream === '' || span === 'hour' || (isAllHere && charted.length > 0)) return undefined;
    return { pipeline: this.#pipeline, stream: this.#stream, series: charted.map(({ series }) => series) };
  }

  #fit() {
    const charted = chartedSeries(this.#model);
    const view = { model: this.#model, charted, nowMs: this.#nowMs, zoom: this.#zoom, span: this.#span };
    return { charted, ...fitTime(view) };
  }

  /**
   * @param {ConnectionState} state
   * @param {import('./read-key.js').Refusal} [refusal]
   */
  #showConnection(state, refusal) {
    const element = at('connection');
    element.dataset['state'] = state;
    say(element, STATES[state]);
    this.#keyPanel.show(refusal);
    if (state !== 'live' && state !== 'connecting' && this.#state !== undefined)
      document.body.dataset['view'] = 'stale';
  }

  #showSoon() {
    if (this.#isPictureDue) return;
    this.#isPictureDue = true;
    setTimeout(() => {
      this.#isPictureDue = false;
      this.#show();
    }, PICTURE_MS);
  }

  #show() {
    void this.#history.read(() => this.#olderRows());
    if (this.#state === undefined || document.hidden) return;
    const place = { pipeline: this.#pipeline, stream: this.#stream };
    void this.#sessions.read({ ...place, series: this.#model.sessionSeries });
    const isEmpty = this.#streams.size === 0;
    at('empty').hidden = !isEmpty;
    at('content').hidden = isEmpty;
    if (at('connection').dataset['state'] === 'live')
      document.body.dataset['view'] = isEmpty ? 'empty' : 'live';
    const { charted, range, span, isLive } = this.#fit();
    const view = {
      ...place,
      model: this.#model,
      sessions: this.#sessions.pages,
      alerts: this.#alerts,
      summary: this.#summary,
      state: this.#state,
      charted,
      range,
      span,
      isLive,
      isZoomed: this.#zoom !== undefined,
      isComplete: this.#history.isComplete,
      nowMs: this.#nowMs,
    };
    const streams = [...this.#streams.values()];
    this.#picker.show({ ...view, streams, pipelines: this.#pipelines });
    showVitals(view);
    if (!isEmpty) showContent(view, this.#charts);
    this.#deadLetters.follow({ pipeline: this.#pipeline, stream: this.#stream });
  }
}

takeKey();
new Page().start();
