export type { CoveringLogic, CoveringOutput } from './covering-logic.js';
export type { CoveringTaskDefinition } from './covering-runner.js';
export { FENCES, type Fence } from './fences.js';
export { FAILPOINTS, type Failpoint, type Failpoints } from './failpoints.js';
export {
  InputGapError,
  InputUndecodableError,
  LeaseLostError,
  StateMigrationFailedError,
  StateUnknownError,
  TaskFencedError,
} from './functions.errors.js';
export { decodeOutbox, encodeOutbox } from './outbox.js';
export { DEFAULT_SETTINGS, type RuntimePorts, type RuntimeSettings } from './runtime-ports.js';
export { StateLog } from './state-log.js';
export type {
  StateCells,
  StateChanges,
  StateDowngrade,
  StateFormat,
  StateIdentity,
  StateMigration,
} from './state-migration.js';
export { type TaskFactory, TaskHost } from './task-host.js';
export type { InputDefinition } from './task-inputs.js';
export type { Moment, Outputs, RunScope, TaskInput, TaskLogic, Urgency } from './task-logic.js';
export type { TaskDefinition } from './task-runner.js';
export { type Admission, admitCovered } from './input-gate.js';
export type {
  Counters,
  FunctionContext,
  FunctionLogger,
  FunctionTimer,
  KeyedState,
  ListState,
  MapState,
  MessageMetadata,
  PublishOptions,
  TimeKind,
  Timers,
  TimeToLive,
  ValueState,
} from './model/function-context.js';
export {
  defineFunction,
  type Emitted,
  type EventFunction,
  type FunctionDefinition,
  type FunctionSettings,
  nounOf,
  pipelineOf,
} from './model/function-definition.js';
export {
  FunctionCallEndedError,
  FunctionInterruptedError,
  FunctionInvalidError,
  FunctionOutputTooLargeError,
  FunctionSecretMissingError,
  FunctionStateTooLargeError,
  FunctionStateUndeclaredError,
  FunctionTimeoutError,
  FunctionTimerInvalidError,
  FunctionTopicUndeclaredError,
  RefuseEventError,
  RetryLaterError,
  SkipEventError,
  StopFunctionError,
} from './model/function.errors.js';
export { type FailureAction, type FailureRules } from './model/failure.js';
export { FunctionTaskLogic } from './model/function-task.js';
export type { FunctionTaskOptions } from './model/function-task-options.js';
export type { FunctionTopics, TopicPlace } from './model/function-topics.js';
export { readMessage } from './message-reader.js';
export { Secret } from './model/secret.js';
export {
  type StateChange,
  stateIdentityOf,
  type StatePlace,
  type StateSettings,
  type ValueMigration,
} from './model/state-evolution.js';
export { FrameLines } from './windows/frame-lines.js';
export {
  GlobalStage,
  type GlobalStageOptions,
  type ProgressDocument,
  type RowPublisher,
} from './windows/global-stage.js';
export { futureMessage, lateMessage, withinDates } from './windows/late-messages.js';
export { type LiveViewOptions } from './windows/live-view.js';
export { LocalStage, type LocalStageOptions } from './windows/local-stage.js';
export { placementKey } from './windows/placement.js';
export { progressDocument, resultMessage } from './windows/result-messages.js';
export {
  collect,
  count,
  countIf,
  custom,
  type CustomMeasure,
  distinct,
  duration,
  first,
  histogram,
  last,
  max,
  mean,
  type Measure,
  type MeasuredBy,
  type Measures,
  min,
  quantile,
  quantiles,
  rate,
  stddev,
  sum,
  topK,
  type ValueOf,
  variance,
  when,
} from './windows/measure.js';
export {
  counted,
  hopping,
  OpenWindow,
  session,
  sliding,
  type StatedWindow,
  tumbling,
} from './windows/stated-window.js';
export {
  type AnyWindowFunction,
  defineWindowFunction,
  isWindowFunction,
  type WindowFunctionDefinition,
  type WindowFunctionSettings,
  type WindowKey,
  type WindowResultHandler,
  type WindowRow,
} from './windows/window-function.js';
export {
  inputOf,
  partialsTopicOf,
  progressOwnerOf,
  subscriptionOf,
  type WindowTaskOptions,
} from './windows/window-places.js';
export { windowGlobalTask, windowLocalTask } from './windows/window-tasks.js';
export {
  type AnyJoin,
  defineIntervalJoin,
  defineTableJoin,
  type IntervalJoinCode,
  type IntervalJoinDefinition,
  type IntervalJoinKind,
  type IntervalJoinSettings,
  isJoin,
  type JoinedPair,
  type JoinedRow,
  type JoinSettings,
  type JoinSource,
  type TableJoinCode,
  type TableJoinDefinition,
  type TableJoinSettings,
  type TableSource,
  topicsOfJoin,
} from './joins/join-function.js';
export { type JoinRunOptions, joinTask, pipelineOfJoin } from './joins/join-tasks.js';
