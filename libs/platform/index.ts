export { AlertRuleFiles, type AlertRulesStatus, PipelineChangedError } from './alert-rule-files.js';
export {
  type AppName,
  Configuration,
  ConfigurationInvalidError,
  type EffectiveSetting,
} from './configuration.js';
export { CONFIGURATION_VARIABLES, type ConfigurationVariable } from './configuration-variables.js';
export { FunctionsModule } from './functions.module.js';
export { IntervalJoin, intervalJoinOf, TableJoin, tableJoinOf } from './join-functions.js';
export type { ApiKey, KeyScope } from './keys/api-key.js';
export { keyOf } from './keys/key-guard.js';
export { KeyRing } from './keys/key-ring.js';
export { LiveFeed } from './live-feed.js';
export { checkOwnSteps, loadOwnStep, type OwnStepCall, StepFileInvalidError } from './own-step.js';
export { loadPipeline, PipelineFileMissingError, Pipelines, PipelineUnknownError } from './pipelines.js';
export { ProcessFailpoints } from './process-failpoints.js';
export { type AppDescription, createApp } from './create-app.js';
export { startApp } from './start-app.js';
export { MillraceModule, type MillraceModuleOptions, SubscriptionEmbeddedError } from './millrace.module.js';
export { startSubscriber, type SubscriberDescription } from './start-subscriber.js';
export { PipelineTopology } from './pipeline-topology.js';
export { describeDifference, TopologyMismatchError } from './pulsar-topology.js';
export { StorageAdministration } from './storage-administration.js';
export { functionOf, StreamFunction } from './stream-function.js';
export { Tasks } from './tasks.js';
export { WindowFunction, windowFunctionOf } from './window-function.js';
