import type { Clock } from '#libs/kernel';
import type { Delivery, LiveMessage } from '#libs/messaging';
import { FACTS, type Telemetry } from '#libs/observability';
import type { PipelineDefinition } from '#libs/pipeline';
import type { FoundRow } from '#libs/storage';
import { settlingMs } from '#libs/windowing';
import { failedShareOf, type StreamFates, sumOf, totalOf } from './fates-reader.js';
import { LatencyWindow } from './latency-window.js';
import type { LiveClient } from './live-client.js';
import { parseLiveMessage } from './live-message-parser.js';
import { type LiveEventType, LiveRing } from './live-ring.js';
import { Progress } from './progress-reader.js';
import { isoTime } from './request-query.js';
import { rowView } from './series-reader.js';
import type { StoreReaders } from './store-readers.js';
import { StreamBoard } from './stream-board.js';
import { summarizeStream } from './stream-summary.js';
import { TaskBoard } from './task-board.js';
import { visibleAlerts } from './visible-alerts.js';

export interface LiveHubOptions {
  readonly pipeline: PipelineDefinition;
  readonly clock: Clock;
  readonly telemetry: Telemetry;
  readonly readers: StoreReaders;
}

/** Rows of one message and series that are handed on; whoever wants all of them asks for the series. */
const MAX_ROWS_PER_EVENT = 1_000;
/** Of a series by more than the stream; a load of a log completes thousands of its rows at once. */
const MAX_KEYED_ROWS_PER_EVENT = 50;
/** Streams whose last write is told every second; a snapshot has them all. */
const MAX_STREAMS_PER_EVENT = 20;

/**
 * What is happening in one pipeline now, and the listeners who are told. There is one upstream reader however many
 * listen; everything it keeps is bounded.
 */
export class LiveHub {
  readonly pipeline: PipelineDefinition;
  readonly ring: LiveRing;
  readonly tasks: TaskBoard;
  readonly streams = new StreamBoard();
  readonly latency: LatencyWindow;
  readonly clients = new Set<LiveClient>();
  readonly #options: LiveHubOptions;
  readonly #progress = new Map<string, Progress>();
  readonly #lastSent = new Map<string, string>();
  #fates: ReadonlyMap<string, StreamFates> = new Map();

  constructor(options: LiveHubOptions) {
    this.#options = options;
    this.pipeline = options.pipeline;
    this.ring = new LiveRing(options.clock.nowMs());
    this.tasks = new TaskBoard(options.clock);
    this.latency = new LatencyWindow(options.clock);
  }

  get fates(): ReadonlyMap<string, StreamFates> {
    return this.#fates;
  }

  /** The share of all events so far that could not be processed, 0 to 1. */
  get failedShare(): number {
    return failedShareOf(sumOf([...this.#fates.values()].map(({ fates }) => fates)));
  }

  /** Messages of the pipeline's `live` topic. */
  receive(deliveries: readonly Delivery[]): void {
    for (const delivery of deliveries) {
      const message = parseLiveMessage(delivery.payload);
      if (message?.type === 'points') this.#receivePoints(message);
      else if (message?.type === 'stage') this.tasks.report(message.status);
    }
  }

  /** Looks again at which streams there are and how their events ended; call every second. */
  async refresh(): Promise<void> {
    const { readers, clock } = this.#options;
    const nowMs = clock.nowMs();
    for (const stream of await readers.series.streams(this.pipeline)) this.streams.add(stream);
    this.#fates = await readers.fates.read(this.pipeline.name);
    for (const [stream, { fates, changedMs }] of this.#fates) {
      this.streams.count(stream, { total: totalOf(fates), changedMs, nowMs });
    }
    this.#measure();
  }

  /** Tells the listeners how stages and the streams they look at are doing; call every second. */
  async tell(): Promise<void> {
    this.#forgetClosed();
    if (this.clients.size === 0) return;
    const watched = new Set([...this.clients].map((client) => client.stream));
    for (const stream of watched) await this.#tellStream(stream);
    this.#tellStages();
  }

  /** Reads the alerts again, and tells the listeners if they changed. */
  async tellAlerts(): Promise<void> {
    const alerts = visibleAlerts(await this.#options.readers.alerts.list({ pipeline: this.pipeline.name }));
    this.#publishChanged('alerts', 'alerts', { alerts });
  }

  /** Shows that the line is alive. */
  beat(): void {
    this.publish('heartbeat', { now: isoTime(this.#options.clock.nowMs()) });
  }

  /** The figures of the whole pipeline. */
  state(): object {
    return {
      stages: this.tasks.stages(),
      eventsPerSecond: this.tasks.eventsPerSecond(),
      failedShare: this.failedShare,
      latency: this.latency.summary(),
    };
  }

  publish(type: LiveEventType, data: object, stream?: string): void {
    this.ring.add(type, data, stream);
    for (const client of this.clients) client.pump();
  }

  close(): void {
    for (const client of this.clients) client.close();
    this.clients.clear();
  }

  #tellStages(): void {
    this.publish('stages', { ...this.state(), streams: this.streams.list(MAX_STREAMS_PER_EVENT) });
  }

  #receivePoints(message: Extract<LiveMessage, { type: 'points' }>): void {
    const nowMs = this.#options.clock.nowMs();
    const byStream = new Map<string, FoundRow[]>();
    for (const row of message.rows as unknown as readonly FoundRow[]) {
      const rows = byStream.get(row.stream) ?? [];
      rows.push({ ...row, provisional: message.provisional });
      byStream.set(row.stream, rows);
    }
    for (const [stream, rows] of byStream) {
      const isNew = !this.streams.has(stream);
      if (message.oldestReceivedMs !== undefined) this.streams.touch(stream, nowMs);
      else this.streams.add(stream);
      if (isNew) this.#tellStages();
      this.publish('points', { stream, rows: this.#views(stream, rows) }, stream);
    }
    if (message.oldestReceivedMs !== undefined) this.#measureLatency(message.oldestReceivedMs);
  }

  #views(stream: string, rows: readonly FoundRow[]): readonly object[] {
    const progress = this.#progress.get(stream) ?? new Progress(this.pipeline.globalPartitions);
    return this.pipeline.series.flatMap((series) => {
      const most = series.by.length === 0 ? MAX_ROWS_PER_EVENT : MAX_KEYED_ROWS_PER_EVENT;
      return rows
        .filter((row) => row.series === series.name)
        .slice(-most)
        .map((row) => ({ series: series.name, ...rowView(row, progress, settlingMs(series)) }));
    });
  }

  #measureLatency(oldestReceivedMs: number): void {
    const latencyMs = Math.max(0, this.#options.clock.nowMs() - oldestReceivedMs);
    this.latency.add(latencyMs);
    this.#options.telemetry.record(
      FACTS.endToEndLatency,
      { pipeline: this.pipeline.name },
      latencyMs / 1_000,
    );
  }

  #measure(): void {
    const { telemetry } = this.#options;
    const pipeline = this.pipeline.name;
    const { p50Ms, p99Ms } = this.latency.summary();
    telemetry.record(FACTS.eventRate, { pipeline }, this.tasks.eventsPerSecond());
    telemetry.record(FACTS.failedShare, { pipeline }, this.failedShare);
    if (p50Ms !== null)
      telemetry.record(FACTS.endToEndQuantile, { pipeline, quantile: '0.5' }, p50Ms / 1_000);
    if (p99Ms !== null)
      telemetry.record(FACTS.endToEndQuantile, { pipeline, quantile: '0.99' }, p99Ms / 1_000);
  }

  async #tellStream(stream: string): Promise<void> {
    const progress = await this.#options.readers.progress.read(this.pipeline, stream);
    this.#progress.set(stream, progress);
    this.#publishChanged(`fates ${stream}`, 'fates', summarizeStream(this, stream, progress), stream);
  }

  #publishChanged(key: string, type: LiveEventType, data: object, stream?: string): void {
    const text = JSON.stringify(data);
    if (this.#lastSent.get(key) === text) return;
    this.#lastSent.set(key, text);
    this.publish(type, data, stream);
  }

  #forgetClosed(): void {
    for (const client of this.clients) if (client.isClosed) this.clients.delete(client);
    const watched = new Set([...this.clients].map((client) => client.stream));
    for (const stream of this.#progress.keys()) {
      if (watched.has(stream)) continue;
      this.#progress.delete(stream);
      this.#lastSent.delete(`fates ${stream}`);
    }
  }
}
