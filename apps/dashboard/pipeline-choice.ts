import type { PipelineDefinition } from '#libs/pipeline';
import type { Pipelines } from '#libs/platform';
import type { SeriesDefinition } from '#libs/windowing';
import { ParameterInvalidError, SeriesUnknownError } from './dashboard.errors.js';

/** The named pipeline; without a name the first. @throws PipelineUnknownError of libs/platform */
export function choosePipeline(pipelines: Pipelines, name: string | undefined): PipelineDefinition {
  const [first] = pipelines.all;
  return name === undefined && first !== undefined ? first : pipelines.byName(name ?? '');
}

/**
 * The named series. Where several pipelines have one of that name, the pipeline has to be named too.
 *
 * @throws PipelineUnknownError, SeriesUnknownError, ParameterInvalidError
 */
export function chooseSeries(
  pipelines: Pipelines,
  name: string,
  pipelineName: string | undefined,
): { readonly pipeline: PipelineDefinition; readonly series: SeriesDefinition } {
  const candidates = pipelineName === undefined ? pipelines.all : [choosePipeline(pipelines, pipelineName)];
  const found = candidates.flatMap((pipeline) =>
    pipeline.series.filter((series) => series.name === name).map((series) => ({ pipeline, series })),
  );
  const [first, second] = found;
  if (first === undefined) {
    throw new SeriesUnknownError(
      name,
      candidates.flatMap((pipeline) => pipeline.series.map((series) => series.name)),
    );
  }
  if (second !== undefined) {
    const names = found.map(({ pipeline }) => pipeline.name).join(', ');
    throw new ParameterInvalidError('pipeline', '', `given, since several have a series '${name}': ${names}`);
  }
  return first;
}
