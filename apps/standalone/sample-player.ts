import { Inject, Injectable, type OnApplicationBootstrap, type OnModuleDestroy } from '@nestjs/common';
import { Clock } from '#libs/kernel';
import { Telemetry } from '#libs/observability';
import type { PipelineDefinition } from '#libs/pipeline';
import { Configuration, Pipelines } from '#libs/platform';
import { ResultStore } from '#libs/storage';
import { EventIntake } from '../ingest/ingest.module.js';
import { SAMPLE_STREAM, SampleTraffic } from './sample-traffic/sample-traffic.js';

/** The schema of the sample events. */
const SAMPLE_TYPE = 'web-request@1';

/** Sends the sample traffic through ingest, the way any event goes. */
@Injectable()
export class SamplePlayer implements OnApplicationBootstrap, OnModuleDestroy {
  readonly #stop = new AbortController();
  readonly #pipeline: PipelineDefinition | undefined;
  readonly #traffic: SampleTraffic;
  #playing: Promise<void> = Promise.resolve();

  // eslint-disable-next-line max-params -- injected one by one; gathering them in an object would hide what is used
  constructor(
    @Inject(Configuration) { values }: Configuration,
    @Inject(Pipelines) pipelines: Pipelines,
    @Inject(EventIntake) private readonly intake: EventIntake,
    @Inject(ResultStore) private readonly results: ResultStore,
    @Inject(Clock) clock: Clock,
    @Inject(Telemetry) telemetry: Telemetry,
  ) {
    this.#pipeline = values.demo
      ? pipelines.all.find(({ eventType }) => eventType === SAMPLE_TYPE)
      : undefined;
    this.#traffic = new SampleTraffic({
      clock,
      telemetry,
      seed: values.demoSeed,
      sink: async (events) =>
        void (await this.intake.accept(SAMPLE_STREAM, events, { pipeline: this.#pipeline?.name })),
      hasRows: () => this.#hasRows(),
    });
  }

  onApplicationBootstrap(): void {
    if (this.#pipeline !== undefined) this.#playing = this.#traffic.run(this.#stop.signal);
  }

  async onModuleDestroy(): Promise<void> {
    this.#stop.abort();
    await this.#playing;
  }

  async #hasRows(): Promise<boolean> {
    const { name: pipeline = '', series = [] } = this.#pipeline ?? {};
    const pages = series.map(({ name }) =>
      this.results.query({ pipeline, series: name, stream: SAMPLE_STREAM, limit: 1 }),
    );
    return (await Promise.all(pages)).some(({ rows }) => rows.length > 0);
  }
}
