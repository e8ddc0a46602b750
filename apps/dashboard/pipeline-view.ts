import { Injectable } from '@nestjs/common';
import type { PipelineDefinition } from '#libs/pipeline';
import { ResultStore } from '#libs/storage';
import { sumOf } from './fates-reader.js';
import { LiveHubs } from './live-hubs.js';
import { EDGES } from './pipeline-edges.js';
import { ProgressReader } from './progress-reader.js';
import { summarizeStream } from './stream-summary.js';

/** Composes what `GET /v1/pipelines` says. */
@Injectable()
export class PipelineViews {
  constructor(
    private readonly hubs: LiveHubs,
    private readonly progressReader: ProgressReader,
    private readonly results: ResultStore,
  ) {}

  /** The figures of one pipeline. */
  async brief(pipeline: PipelineDefinition): Promise<object> {
    const hub = this.hubs.of(pipeline);
    await hub.refresh();
    return {
      name: pipeline.name,
      partitions: pipeline.partitions,
      globalPartitions: pipeline.globalPartitions,
      streams: hub.streams.list(),
      eventsPerSecond: hub.tasks.eventsPerSecond(),
      failedShare: hub.failedShare,
      latency: hub.latency.summary(),
      fates: sumOf([...hub.fates.values()].map(({ fates }) => fates)),
    };
  }

  /** Its figures, stages, edges, and how each stream is doing. */
  async full(pipeline: PipelineDefinition): Promise<object> {
    const hub = this.hubs.of(pipeline);
    const brief = await this.brief(pipeline);
    const progress = await this.progressReader.read(pipeline);
    return {
      ...brief,
      series: pipeline.series.map(({ name, by, window, measures, allowedLatenessMs }) => ({
        series: name,
        by,
        window,
        measures: measures.map((measure) => measure.name),
        allowedLatenessMs,
      })),
      stages: hub.tasks.stages(),
      edges: EDGES.map((edge) => (edge.to === 'rows' ? { ...edge, ...this.results.rowGuarantee } : edge)),
      streams: hub.streams.list().map(({ name }) => summarizeStream(hub, name, progress)),
      source: pipeline.source,
    };
  }
}
