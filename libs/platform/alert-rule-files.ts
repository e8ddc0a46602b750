import { stat } from 'node:fs/promises';
import {
  type BeforeApplicationShutdown,
  Inject,
  Injectable,
  type OnApplicationBootstrap,
} from '@nestjs/common';
import { Clock, PlatformError, type RetryAdvice } from '#libs/kernel';
import { FACTS, Telemetry } from '#libs/observability';
import { alertRulesVersion, differencesBesideAlerts, type PipelineDefinition } from '#libs/pipeline';
import { loadPipeline, Pipelines } from './pipelines.js';

/** What the file of a pipeline says beside its alert rules is not what the process runs. */
export class PipelineChangedError extends PlatformError {
  readonly code = 'PIPELINE_CHANGED';
  readonly retry: RetryAdvice = 'never';
  constructor(file: string, settings: readonly string[]) {
    super(
      `${file} differs in ${settings.join(', ')} from what this process runs; only alerts change without a restart, and these may belong to the rest`,
      { context: { file, settings } },
    );
  }
}

/** Which alert rules a pipeline has at present. */
export interface AlertRulesStatus {
  readonly pipeline: string;
  /** The same in every process that uses the same rules; part of the commits of the alert task. */
  readonly version: string;
  readonly rules: number;
  /** ISO 8601. */
  readonly loadedAt: string;
  /** What the file says now is not in use. */
  readonly refused?: { readonly at: string; readonly code: string; readonly detail: string };
}

/** Called before other rules are taken; refuses them by throwing. */
export type BeforeAlertRules = (next: PipelineDefinition) => void | Promise<void>;

const LOOK_EVERY_MS = 2_000;

interface WatchedPipeline {
  readonly name: string;
  readonly file: string;
  /** Of the file and all that it includes, as of the last reading. */
  paths: readonly string[];
  stamp: string | undefined;
  loadedAtMs: number;
  refused: AlertRulesStatus['refused'];
}

/**
 * Looks at the pipeline files while the process runs, and takes over what they say of alerts.
 *
 * F1. All of a file or nothing: one that can't be used leaves the rules before, and says so in log, metrics and
 *     `/v1/config`, until it is mended.
 * F2. Rules are taken with the pipeline that runs. A file whose other settings have changed too is refused: the rules may
 *     speak of series that are not there yet.
 */
@Injectable()
export class AlertRuleFiles implements OnApplicationBootstrap, BeforeApplicationShutdown {
  readonly #watched: readonly WatchedPipeline[];
  readonly #before: BeforeAlertRules[] = [];
  readonly #stop = new AbortController();

  constructor(
    @Inject(Pipelines) private readonly pipelines: Pipelines,
    @Inject(Clock) private readonly clock: Clock,
    @Inject(Telemetry) private readonly telemetry: Telemetry,
  ) {
    this.#watched = pipelines.files.map((file, place) => {
      const name = pipelines.all[place]?.name ?? '';
      return {
        ...{ name, file, paths: [file], stamp: undefined },
        ...{ loadedAtMs: clock.nowMs(), refused: undefined },
      };
    });
  }

  onApplicationBootstrap(): void {
    void this.#follow();
  }

  beforeApplicationShutdown(): void {
    this.#stop.abort();
  }

  /** Has other rules go by this first. */
  before(action: BeforeAlertRules): void {
    this.#before.push(action);
  }

  statuses(): readonly AlertRulesStatus[] {
    return this.#watched.map(({ name, loadedAtMs, refused }) => {
      const pipeline = this.pipelines.byName(name);
      return {
        pipeline: name,
        version: alertRulesVersion(pipeline),
        rules: pipeline.alerts.length,
        loadedAt: new Date(loadedAtMs).toISOString(),
        ...(refused === undefined ? {} : { refused }),
      };
    });
  }

  /** Reads the files that have changed since the last look. Never rejects. */
  async look(): Promise<void> {
    for (const watched of this.#watched) {
      const stamp = await stampOf(watched.paths);
      if (stamp === watched.stamp) continue;
      watched.stamp = stamp;
      await this.#read(watched);
    }
  }

  async #follow(): Promise<void> {
    const { signal } = this.#stop;
    while (!signal.aborted) {
      await this.look();
      await this.clock.sleep(LOOK_EVERY_MS, signal);
    }
  }

  async #read(watched: WatchedPipeline): Promise<void> {
    const { name, file } = watched;
    const paths: string[] = [];
    try {
      const next = loadPipeline(file, (path) => paths.push(path));
      await this.#take(watched, next);
      watched.refused = undefined;
    } catch (error) {
      const code = error instanceof PlatformError ? error.code : 'INTERNAL';
      const detail = error instanceof Error ? error.message : String(error);
      if (watched.refused?.detail !== detail)
        this.telemetry.record(FACTS.alertRulesRefused, { pipeline: name, code, error });
      watched.refused = { at: new Date(this.clock.nowMs()).toISOString(), code, detail };
    }
    // An include that is new has no stamp from before the reading: the next look reads once more.
    if (paths.some((path) => !watched.paths.includes(path))) watched.stamp = undefined;
    watched.paths = paths;
    const isOutdated = watched.refused === undefined ? 0 : 1;
    this.telemetry.record(FACTS.alertRulesOutdated, { pipeline: name }, isOutdated);
  }

  async #take(watched: WatchedPipeline, next: PipelineDefinition): Promise<void> {
    const present = this.pipelines.byName(watched.name);
    const differences = differencesBesideAlerts(present, next);
    if (differences.length > 0) throw new PipelineChangedError(watched.file, differences);
    const version = alertRulesVersion(next);
    if (version === alertRulesVersion(present)) return;
    for (const action of this.#before) await action(next);
    this.pipelines.useAlertsOf(next);
    watched.loadedAtMs = this.clock.nowMs();
    const rules = next.alerts.length;
    this.telemetry.record(FACTS.alertRulesLoaded, { pipeline: watched.name, version, rules });
  }
}

/** Changes whenever one of the files does, comes or goes. */
async function stampOf(paths: readonly string[]): Promise<string> {
  const stamps = paths.map(async (path) => {
    const found = await stat(path).catch(() => undefined);
    return found === undefined ? 'absent' : `${found.mtimeMs}/${found.size}/${found.ino}`;
  });
  return (await Promise.all(stamps)).join(' ');
}
