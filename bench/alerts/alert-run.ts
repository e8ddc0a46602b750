import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { promisify } from 'node:util';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { StandaloneModule } from '../../apps/standalone/standalone.module.js';
import type { AlertEvent } from '#libs/alerting';
import { MessageBroker } from '#libs/messaging';
import { createApp, Pipelines } from '#libs/platform';
import { MAX_OUT_OF_ORDERNESS_MS, PATTERN_RULE, THRESHOLD_RULE, writePipeline } from './alert-pipeline.js';
import type { LoadOrder, LoadReport } from './load-process.js';
import { type StageTimes, StageWatch } from './stage-watch.js';

/** What a load at one rate has shown. */
export interface AlertFigures {
  /** From the event to its alert, as a reader of the topic sees it. */
  readonly patternMs: readonly number[];
  /** From the moment at which a window is over, and the slack for late events with it. */
  readonly thresholdMs: readonly number[];
  readonly stages: StageTimes;
  readonly load: LoadReport;
  /** Of one core. */
  readonly appCpuShare: number;
  /** How late the event loop of the app comes to what is due, p99. */
  readonly loopDelayMs: number;
}

const LOAD = join(import.meta.dirname, 'load-process.js');
/** For what is under way when the load ends; windows close as the idle stream's clock goes on. */
const SETTLE_MS = 1_500;

interface Parts {
  readonly app: NestFastifyApplication;
  readonly url: string;
  readonly folder: string;
  readonly watch: StageWatch;
  readonly over: AbortController;
}

/** Everything in this process over the embedded log and store, as `npm start` runs it; the load in another. */
export class AlertRun {
  readonly #seen: { readonly event: AlertEvent; readonly seenMs: number }[] = [];

  private constructor(private readonly parts: Parts) {}

  static async open(): Promise<AlertRun> {
    const folder = mkdtempSync(join(tmpdir(), 'millrace-bench-'));
    const environment = {
      MILLRACE_PORT: '0',
      MILLRACE_DATA_DIR: folder,
      MILLRACE_DEMO: 'false',
      MILLRACE_LOG_LEVEL: 'error',
      MILLRACE_PIPELINES: writePipeline(folder),
    };
    const app = await createApp({ app: 'standalone', module: StandaloneModule, port: 0 }, environment, []);
    await app.listen(0, '127.0.0.1');
    const over = new AbortController();
    const watch = new StageWatch(app.get(MessageBroker), app.get(Pipelines), over.signal);
    const run = new AlertRun({ app, url: await app.getUrl(), folder, watch, over });
    await watch.begin((event, seenMs) => run.#seen.push({ event, seenMs }));
    return run;
  }

  /** Puts a load on it. @param stream one that has not been used */
  async measure(order: Omit<LoadOrder, 'url'>): Promise<AlertFigures> {
    const loop = monitorEventLoopDelay({ resolution: 1 });
    loop.enable();
    const before = process.cpuUsage();
    const { stdout } = await promisify(execFile)(process.execPath, [
      LOAD,
      JSON.stringify({ ...order, url: this.parts.url }),
    ]);
    const { user, system } = process.cpuUsage(before);
    loop.disable();
    await new Promise((resolve) => setTimeout(resolve, SETTLE_MS));
    const appCpuShare = (user + system) / 1_000_000 / order.seconds;
    const loopDelayMs = loop.percentile(99) / 1_000_000;
    const stages = this.parts.watch.timesOf(order.stream);
    return {
      ...this.#latencies(order.stream),
      stages,
      load: JSON.parse(stdout) as LoadReport,
      appCpuShare,
      loopDelayMs,
    };
  }

  async close(): Promise<void> {
    const { app, folder, watch, over } = this.parts;
    over.abort();
    await watch.end();
    await app.close();
    rmSync(folder, { recursive: true, force: true });
  }

  #latencies(stream: string): Pick<AlertFigures, 'patternMs' | 'thresholdMs'> {
    const mine = this.#seen.filter(({ event }) => event.labels['stream'] === stream);
    const of = (rule: string, isWanted: (event: AlertEvent) => boolean, slackMs: number): readonly number[] =>
      mine
        .filter(({ event }) => event.rule === rule && isWanted(event))
        .map(({ event, seenMs }) => seenMs - Date.parse(event.since) - slackMs);
    return {
      patternMs: of(PATTERN_RULE, ({ status }) => status === 'firing', 0),
      thresholdMs: of(THRESHOLD_RULE, () => true, MAX_OUT_OF_ORDERNESS_MS),
    };
  }
}
