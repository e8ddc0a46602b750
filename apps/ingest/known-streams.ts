import { Inject, Injectable } from '@nestjs/common';
import type { PipelineDefinition } from '#libs/pipeline';
import { isJsonObject, isStreamName } from '#libs/kernel';
import { COLLECTIONS, CommitStore, DocumentStore } from '#libs/storage';
import { Pipelines } from '#libs/platform';
import { FramePublishers } from './frame-publishers.js';
import { StreamLimitError, StreamNameInvalidError, StreamUnknownError } from './ingest.errors.js';

/** The most streams of a pipeline. Each costs every task behind it a watermark. */
export const MAX_STREAMS = 1_000;

/** The streams of one pipeline, as this process knows them. */
interface PipelineStreams {
  readonly names: Set<string>;
  /** Streams whose `open` marker this run has stored, or is about to. */
  readonly opened: Map<string, Promise<void>>;
  /** Those of them whose marker is stored. */
  readonly ready: Set<string>;
}

/** Which streams there are, and the marker that every one begins with. */
@Injectable()
export class KnownStreams {
  readonly #byPipeline = new Map<string, Promise<PipelineStreams>>();
  readonly #loaded = new Map<string, PipelineStreams>();

  constructor(
    @Inject(DocumentStore) private readonly documents: DocumentStore,
    @Inject(CommitStore) private readonly commits: CommitStore,
    @Inject(FramePublishers) private readonly publishers: FramePublishers,
    @Inject(Pipelines) private readonly pipelines: Pipelines,
  ) {}

  /**
   * The pipeline of a stream, once every partition of it carries the stream's `open` marker: only then may its first
   * event follow. The marker is stored once in each run of this process, since a repeat does no harm, and a missing
   * one would.
   *
   * @param pipelineName needed only where a process has several
   * @throws StreamNameInvalidError, StreamLimitError, PipelineUnknownError
   */
  async open(stream: string, pipelineName?: string): Promise<PipelineDefinition> {
    const pipeline = this.#pipelineOf(stream, pipelineName);
    const streams = await this.#load(pipeline);
    await (streams.opened.get(stream) ?? this.#begin(pipeline, stream, streams));
    return pipeline;
  }

  /**
   * The same without waiting; undefined: there is something to wait for.
   *
   * @throws StreamNameInvalidError, PipelineUnknownError
   */
  opened(stream: string, pipelineName?: string): PipelineDefinition | undefined {
    const pipeline = this.#pipelineOf(stream, pipelineName);
    return this.#loaded.get(pipeline.name)?.ready.has(stream) === true ? pipeline : undefined;
  }

  /**
   * The pipeline of a stream that something was sent to before, by whatever producer.
   *
   * @throws StreamNameInvalidError, StreamUnknownError, PipelineUnknownError
   */
  async find(stream: string, pipelineName?: string): Promise<PipelineDefinition> {
    const pipeline = this.#pipelineOf(stream, pipelineName);
    if (!(await this.#isKnown(pipeline, stream))) throw new StreamUnknownError(pipeline.name, stream);
    return pipeline;
  }

  #pipelineOf(stream: string, pipelineName: string | undefined): PipelineDefinition {
    if (!isStreamName(stream)) throw new StreamNameInvalidError(stream);
    return this.pipelines.forStream(stream, pipelineName);
  }

  async #isKnown(pipeline: PipelineDefinition, stream: string): Promise<boolean> {
    const { names } = await this.#load(pipeline);
    if (names.has(stream)) return true;
    const stored = await this.documents.get(COLLECTIONS.settings, documentId(pipeline, stream));
    return stored !== undefined || (await this.#isReported(pipeline, stream));
  }

  #begin(pipeline: PipelineDefinition, stream: string, streams: PipelineStreams): Promise<void> {
    const isNew = !streams.names.has(stream);
    if (isNew && streams.names.size >= MAX_STREAMS)
      throw new StreamLimitError(pipeline.name, stream, MAX_STREAMS);
    streams.names.add(stream);
    const opening = this.#store(pipeline, stream).then(
      () => void streams.ready.add(stream),
      (error: unknown) => {
        streams.opened.delete(stream);
        if (isNew) streams.names.delete(stream);
        throw error;
      },
    );
    streams.opened.set(stream, opening);
    return opening;
  }

  async #store(pipeline: PipelineDefinition, stream: string): Promise<void> {
    await this.publishers.markAll(pipeline, { type: 'open', stream });
    const fields = { kind: 'stream', pipeline: pipeline.name };
    const id = documentId(pipeline, stream);
    await this.documents.putIfAbsent({
      collection: COLLECTIONS.settings,
      id,
      timeMs: 0,
      fields,
      body: { stream },
    });
  }

  #load(pipeline: PipelineDefinition): Promise<PipelineStreams> {
    const known = this.#byPipeline.get(pipeline.name);
    if (known !== undefined) return known;
    const loading = this.#findAll(pipeline).catch((error: unknown) => {
      this.#byPipeline.delete(pipeline.name);
      throw error;
    });
    loading.then(
      (streams) => this.#loaded.set(pipeline.name, streams),
      () => undefined,
    );
    this.#byPipeline.set(pipeline.name, loading);
    return loading;
  }

  async #findAll(pipeline: PipelineDefinition): Promise<PipelineStreams> {
    const where = { kind: 'stream', pipeline: pipeline.name };
    const { documents } = await this.documents.find({
      collection: COLLECTIONS.settings,
      where,
      limit: MAX_STREAMS,
    });
    return {
      names: new Set(documents.map(({ body }) => String(body['stream']))),
      opened: new Map(),
      ready: new Set(),
    };
  }

  /** Streams of other producers are known to the tasks that have read them. */
  async #isReported(pipeline: PipelineDefinition, stream: string): Promise<boolean> {
    const facts = await this.commits.facts(pipeline.name, 'local');
    return [...facts.values()].some(({ streams }) => isJsonObject(streams) && Object.hasOwn(streams, stream));
  }
}

function documentId(pipeline: PipelineDefinition, stream: string): string {
  return `streams/${pipeline.name}/${stream}`;
}
