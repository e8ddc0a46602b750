export { alertRulesVersion, differencesBesideAlerts } from './alert-rules-version.js';
export {
  type EnrichStep,
  fieldsAddedBy,
  fieldsRemovedBy,
  type LookupPolicy,
  type LookupSource,
  type LookupStep,
  type MaskWay,
  type OwnStep,
} from './enrich-step.js';
export { explainPipeline, type PipelineTopic, topicsOf } from './explain-pipeline.js';
export { type AlertTests, parseAlertTests } from './parse-alert-tests.js';
export { parsePipeline, type PipelineContext } from './parse-pipeline.js';
export { describeProblem, PipelineInvalidError, type PipelineProblem } from './pipeline.errors.js';
export { globalPartitionsOf, type IngestSettings, type PipelineDefinition } from './pipeline-definition.js';
export type { PipelineSource, SourceFile } from './pipeline-source.js';
export { nearName } from './settings/near-name.js';
