import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { INestApplicationContext } from '@nestjs/common';
import type { JsonObject } from '#libs/kernel';
import { type LiveMessage, MessageBroker, type MessageProducer } from '#libs/messaging';
import { createApp, Pipelines } from '#libs/platform';
import { COLLECTIONS, DocumentStore, type DocumentWrite, type ResultRow, ResultStore } from '#libs/storage';
import { DashboardModule } from './dashboard.module.js';

export const MINUTE_MS = 60_000;

type App = Awaited<ReturnType<typeof createApp>>;

/** A dashboard with embedded stores in a folder of its own, for specs: rows and live messages are put in by hand. */
export class DashboardFixture {
  readonly #app: App;
  readonly #folder: string;
  #commitSeq = 0;
  #live: MessageProducer | undefined;

  private constructor(app: App, folder: string) {
    this.#app = app;
    this.#folder = folder;
  }

  static async open(): Promise<DashboardFixture> {
    const folder = mkdtempSync(join(tmpdir(), 'millrace-dashboard-'));
    const environment = { MILLRACE_DATA_DIR: folder, MILLRACE_LOG_LEVEL: 'silent', MILLRACE_DEMO: 'false' };
    const app = await createApp({ app: 'dashboard', module: DashboardModule, port: 0 }, environment, []);
    const fixture = new DashboardFixture(app, folder);
    const pipelines = app.get(Pipelines);
    for (const noun of ['live', 'alerts'] as const) {
      await app.get(MessageBroker).ensureTopic({ name: pipelines.topic('web', noun), partitions: 1 });
    }
    return fixture;
  }

  get app(): INestApplicationContext {
    return this.#app;
  }

  async close(): Promise<void> {
    await this.#app.close();
    rmSync(this.#folder, { recursive: true, force: true });
  }

  /** Listens, on a free port unless one is given. @returns the address, without a slash at its end */
  async listen(port = 0): Promise<string> {
    await this.#app.listen(port, '127.0.0.1');
    return this.#app.getUrl();
  }

  /** What a GET answers; `body` is parsed if it is JSON. */
  async get(
    url: string,
    headers: Record<string, string> = {},
  ): Promise<{ status: number; text: string; body: JsonObject; headers: Record<string, unknown> }> {
    await this.#app.init();
    await this.#app.getHttpAdapter().getInstance().ready();
    const answer = await this.#app.inject({ method: 'GET', url, headers });
    const isJson = String(answer.headers['content-type']).includes('json');
    return {
      status: answer.statusCode,
      text: answer.body,
      body: isJson ? (JSON.parse(answer.body) as JsonObject) : {},
      headers: answer.headers,
    };
  }

  /** What a POST of JSON answers. */
  async post(url: string, body: object): Promise<{ status: number; body: JsonObject }> {
    await this.#app.init();
    await this.#app.getHttpAdapter().getInstance().ready();
    const headers = { 'content-type': 'application/json' };
    const answer = await this.#app.inject({ method: 'POST', url, headers, payload: JSON.stringify(body) });
    return { status: answer.statusCode, body: JSON.parse(answer.body) as JsonObject };
  }

  /** Delivers rows and documents as the global stage does. */
  async deliver(rows: readonly ResultRow[], documents: readonly DocumentWrite[] = []): Promise<void> {
    const task = { pipeline: 'web', stage: 'global', partition: 0 };
    const version = { incarnation: 0, epoch: 1, commitSeq: ++this.#commitSeq };
    await this.#app.get(ResultStore).deliver({ task, version }, { rows, documents });
  }

  /** Puts rows into the view of open windows. */
  async open(rows: readonly ResultRow[]): Promise<void> {
    await this.#app.get(ResultStore).putOpenWindows(rows);
  }

  async put(...documents: readonly DocumentWrite[]): Promise<void> {
    await this.#app.get(DocumentStore).put(documents);
  }

  /** Publishes on the pipeline's `live` topic. */
  async say(message: LiveMessage): Promise<void> {
    const topic = this.#app.get(Pipelines).topic('web', 'live');
    this.#live ??= await this.#app
      .get(MessageBroker)
      .openProducer({ topic, partition: 0, producerName: 'spec' });
    await this.#live.send({ payload: Buffer.from(JSON.stringify(message)) });
  }
}

/** A complete minute of `requests_per_minute`. */
export function requestsRow(startMs: number, parts: Partial<ResultRow> = {}): ResultRow {
  return {
    pipeline: 'web',
    series: 'requests_per_minute',
    stream: 'web',
    key: {},
    windowStartMs: startMs,
    windowEndMs: startMs + MINUTE_MS,
    measures: { requests: 10, bytes: 1_000, errors: 1, duration: null },
    revision: 0,
    task: 0,
    ...parts,
  };
}

/** A complete minute of `visits_per_minute`. */
export function visitsRow(startMs: number, parts: Partial<ResultRow> = {}): ResultRow {
  const measures = { visits: 4, visitors: { estimate: 3, standardError: 0 } };
  return requestsRow(startMs, { series: 'visits_per_minute', measures, ...parts });
}

/** The most frequent paths of five complete minutes; counts may be too high by up to `error`. */
export function topPathsRow(startMs: number, counts: Readonly<Record<string, number>>, error = 0): ResultRow {
  const entries = Object.entries(counts).map(([value, count]) => ({ value, count, error }));
  return requestsRow(startMs, {
    series: 'top_paths',
    windowEndMs: startMs + 5 * MINUTE_MS,
    measures: { paths: { entries, maxError: error } },
  });
}

/** A complete session of a visitor; its window goes on for the gap behind its last event. */
export function sessionRow(visitor: string, startMs: number, measures: JsonObject): ResultRow {
  const length = typeof measures['length'] === 'number' ? measures['length'] : 0;
  return requestsRow(startMs, {
    series: 'sessions',
    key: { visitor },
    windowEndMs: startMs + length + 30 * MINUTE_MS,
    measures,
  });
}

/** How far one global task has come in a stream. */
export function progressOf(stream: string, partition: number, watermarkMs: number): DocumentWrite {
  return {
    collection: COLLECTIONS.progress,
    id: `web/${partition}/${stream}`,
    timeMs: watermarkMs,
    fields: { pipeline: 'web', stream },
    body: { watermarkMs },
  };
}

/** How the events of a stream ended at one local task. */
export function fatesOf(
  stream: string,
  partition: number,
  fates: { counts: JsonObject; deadByCode?: JsonObject; atMs?: number },
): DocumentWrite {
  return {
    collection: COLLECTIONS.fates,
    id: `web/${partition}/${stream}`,
    timeMs: fates.atMs ?? 0,
    fields: { pipeline: 'web', stream },
    body: { counts: fates.counts, deadByCode: fates.deadByCode ?? {} },
  };
}

/** The newest transition of an alert. */
export function alertOf(fingerprint: string, stream: string, body: JsonObject): DocumentWrite {
  const status = String(body['status']);
  return {
    collection: COLLECTIONS.alerts,
    id: fingerprint,
    timeMs: Date.parse(String(body['startedAt'])),
    fields: { pipeline: 'web', rule: 'error-burst', stream, status, severity: 'critical' },
    body: {
      fingerprint,
      pipeline: 'web',
      rule: 'error-burst',
      severity: 'critical',
      labels: { stream },
      ...body,
    },
  };
}
