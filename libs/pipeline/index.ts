export { type EnrichStep, fieldsAddedBy, type FieldType } from './enrich-step.js';
export { describeProblem, PipelineInvalidError, type PipelineProblem } from './pipeline.errors.js';
export {
  globalPartitionsOf,
  type IngestSettings,
  LOG_FORMATS,
  type LogFormat,
  type PipelineDefinition,
  type TimeSettings,
} from './pipeline-definition.js';
