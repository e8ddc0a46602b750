import { Injectable } from '@nestjs/common';
import { isJsonObject, type JsonObject } from '#libs/kernel';
import type { PipelineDefinition } from '#libs/pipeline';
import { COLLECTIONS, DocumentStore, type DocumentWrite } from '#libs/storage';
import { everyDocument } from './document-pages.js';

/** Whose progress it is: a pipeline, or a window function beside it. */
type Timed = Pick<PipelineDefinition, 'name' | 'globalPartitions'>;

/** How far one global task has come in one stream, by its last delivered commit. Absent: not begun. */
export interface TaskProgress {
  readonly watermarkMs?: number;
  readonly closedUntilMs?: number;
}

/** How far a pipeline had come in each stream at one moment. */
export class Progress {
  readonly #globalPartitions: number;
  readonly #byStream = new Map<string, Map<number, TaskProgress>>();

  constructor(globalPartitions: number) {
    this.#globalPartitions = globalPartitions;
  }

  add(stream: string, partition: number, progress: TaskProgress): void {
    const byPartition = this.#byStream.get(stream) ?? new Map<number, TaskProgress>();
    this.#byStream.set(stream, byPartition.set(partition, progress));
  }

  get streams(): readonly string[] {
    return [...this.#byStream.keys()].sort();
  }

  of(stream: string, partition: number): TaskProgress {
    return this.#byStream.get(stream)?.get(partition) ?? {};
  }

  /** The minimum over all global tasks; undefined while one of them has not begun. Epoch milliseconds. */
  watermarkMs(stream: string): number | undefined {
    let lowest = Number.POSITIVE_INFINITY;
    for (let partition = 0; partition < this.#globalPartitions; partition++) {
      const { watermarkMs } = this.of(stream, partition);
      if (watermarkMs === undefined) return undefined;
      lowest = Math.min(lowest, watermarkMs);
    }
    return Number.isFinite(lowest) ? lowest : undefined;
  }

  /** Up to where every global task has closed the stream; undefined: not all have. Epoch milliseconds. */
  closedUntilMs(stream: string): number | undefined {
    let lowest = Number.POSITIVE_INFINITY;
    for (let partition = 0; partition < this.#globalPartitions; partition++) {
      const { closedUntilMs } = this.of(stream, partition);
      if (closedUntilMs === undefined) return undefined;
      lowest = Math.min(lowest, closedUntilMs);
    }
    return lowest;
  }
}

/**
 * Reads the delivered watermarks from the store.
 *
 * Read before the rows that it judges: rows are delivered first, so that a row found afterwards is at least as
 * new as the watermark, and what is called final can't be an old revision.
 */
@Injectable()
export class ProgressReader {
  constructor(private readonly documents: DocumentStore) {}

  /** Of one stream, or of all. */
  async read(pipeline: Timed, stream?: string): Promise<Progress> {
    const progress = new Progress(pipeline.globalPartitions);
    const found = stream === undefined ? await this.#all() : await this.#ofStream(pipeline, stream);
    for (const document of found) {
      const place = placeOf(document.id);
      if (place?.pipeline === pipeline.name)
        progress.add(place.stream, place.partition, progressOf(document));
    }
    return progress;
  }

  /** What the global tasks have written of a stream, as it is. */
  async bodies(pipeline: Timed, stream: string): Promise<readonly JsonObject[]> {
    return (await this.#ofStream(pipeline, stream)).map(({ body }) => body);
  }

  #all(): Promise<readonly DocumentWrite[]> {
    return everyDocument(this.documents, { collection: COLLECTIONS.progress });
  }

  async #ofStream(pipeline: Timed, stream: string): Promise<readonly DocumentWrite[]> {
    const partitions = Array.from({ length: pipeline.globalPartitions }, (_, partition) => partition);
    const found = await Promise.all(
      partitions.map((partition) =>
        this.documents.get(COLLECTIONS.progress, `${pipeline.name}/${partition}/${stream}`),
      ),
    );
    return found.filter((document) => document !== undefined);
  }
}

/** The parts of `<pipeline>/<partition>/<stream>`, the id of the documents that tasks keep per stream. */
export function placeOf(
  id: string,
): { readonly pipeline: string; readonly partition: number; readonly stream: string } | undefined {
  const [, pipeline, partition, stream] = /^([^/]+)\/(\d+)\/(.+)$/.exec(id) ?? [];
  if (pipeline === undefined || partition === undefined || stream === undefined) return undefined;
  return { pipeline, partition: Number(partition), stream };
}

function progressOf({ body }: DocumentWrite): TaskProgress {
  const untilMs = isJsonObject(body['closed']) ? body['closed']['untilMs'] : undefined;
  return {
    ...(typeof body['watermarkMs'] === 'number' ? { watermarkMs: body['watermarkMs'] } : {}),
    ...(typeof untilMs === 'number' ? { closedUntilMs: untilMs } : {}),
  };
}
