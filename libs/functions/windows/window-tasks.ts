import type { TaskDefinition } from '../task-runner.js';
import type { AnyWindowFunction } from './window-function.js';
import { WindowGlobalTask } from './window-global-task.js';
import { WindowLocalTask } from './window-local-task.js';
import {
  globalStageOf,
  inputOf,
  localStageOf,
  partialsTopicOf,
  subscriptionOf,
  type WindowTaskOptions,
} from './window-places.js';

/** Raised with every change of what the cells of the stages mean. */
const STATE_VERSION = 1;

/** The local task of one partition of the input. */
export function windowLocalTask(options: WindowTaskOptions, partition: number): TaskDefinition {
  const { definition, pipeline, topics } = options;
  return {
    task: { pipeline, stage: localStageOf(definition.name), partition },
    inputs: [inputOf(definition, topics, partition)],
    identity: identityOf(definition, 'local'),
    logic: new WindowLocalTask(options, partition),
  };
}

/** The global task of one partition of the deltas. */
export function windowGlobalTask(options: WindowTaskOptions, partition: number): TaskDefinition {
  const { definition, pipeline, topics } = options;
  const { name } = definition;
  const topic = topics(partialsTopicOf(definition, pipeline)).name;
  return {
    task: { pipeline, stage: globalStageOf(name), partition },
    inputs: [{ topic, partition, subscription: subscriptionOf(name), kind: 'partials' }],
    identity: identityOf(definition, 'global'),
    logic: new WindowGlobalTask(options, partition),
  };
}

function identityOf({ name }: AnyWindowFunction, stage: string): TaskDefinition['identity'] {
  return { operator: `window/${name}/${stage}`, version: STATE_VERSION };
}
