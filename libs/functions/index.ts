export type { CoveringLogic, CoveringOutput } from './covering-logic.js';
export type { CoveringTaskDefinition } from './covering-runner.js';
export type { Fence } from './fences.js';
export { FAILPOINTS, type Failpoint, type Failpoints } from './failpoints.js';
export {
  InputGapError,
  InputUndecodableError,
  LeaseLostError,
  StateUnknownError,
  TaskFencedError,
} from './functions.errors.js';
export { DEFAULT_SETTINGS, type RuntimePorts, type RuntimeSettings } from './runtime-ports.js';
export type { StateIdentity } from './state-log.js';
export { type TaskFactory, TaskHost } from './task-host.js';
export type { InputDefinition } from './task-inputs.js';
export type { Moment, Outputs, TaskInput, TaskLogic, Urgency } from './task-logic.js';
export type { TaskDefinition } from './task-runner.js';
