export { type EnrichStep, fieldsAddedBy } from './enrich-step.js';
export { describeProblem, PipelineInvalidError, type PipelineProblem } from './pipeline.errors.js';
export {
  globalPartitionsOf,
  type IngestSettings,
  LOG_FORMATS,
  type LogFormat,
  type PipelineDefinition,
} from './pipeline-definition.js';
export type { PipelineSource, SourceFile } from './pipeline-source.js';
