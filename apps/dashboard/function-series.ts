import { Injectable } from '@nestjs/common';
import { progressOwnerOf } from '#libs/functions';
import type { PipelineDefinition } from '#libs/pipeline';
import { COLLECTIONS, DocumentStore, type DocumentWrite } from '#libs/storage';
import type { SeriesDefinition } from '#libs/windowing';
import { everyDocument } from './document-pages.js';

/** A series whose rows are shown: of a pipeline file, or of a window function. */
export interface ShownSeries {
  readonly pipeline: string;
  readonly definition: Pick<SeriesDefinition, 'name' | 'window' | 'allowedLatenessMs'>;
  /** Whose watermarks decide the phase of its rows. */
  readonly timedBy: Pick<PipelineDefinition, 'name' | 'globalPartitions'>;
  readonly measures: readonly string[];
}

/** One of the series that stand in a pipeline's file. */
export function seriesOfPipeline(pipeline: PipelineDefinition, series: SeriesDefinition): ShownSeries {
  const measures = series.measures.map(({ name }) => name);
  return { pipeline: pipeline.name, definition: series, timedBy: pipeline, measures };
}

/** The series that window functions make: they stand in no pipeline file, but in a document that the functions have left. */
@Injectable()
export class FunctionSeries {
  constructor(private readonly documents: DocumentStore) {}

  async all(): Promise<readonly ShownSeries[]> {
    const found = await everyDocument(this.documents, { collection: COLLECTIONS.functionSeries });
    return found.map(shownSeries);
  }
}

function shownSeries({ body }: DocumentWrite): ShownSeries {
  const { pipeline, series, window, allowedLatenessMs, measures, tasks } = body as unknown as SeriesBody;
  return {
    pipeline,
    definition: { name: series, window, allowedLatenessMs },
    timedBy: { name: progressOwnerOf(pipeline, series), globalPartitions: tasks },
    measures,
  };
}

/** As `libs/platform/function-plans.ts` writes it. */
interface SeriesBody extends Pick<SeriesDefinition, 'window' | 'allowedLatenessMs'> {
  readonly pipeline: string;
  readonly series: string;
  readonly measures: readonly string[];
  readonly tasks: number;
}
