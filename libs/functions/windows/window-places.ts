import type { Clock } from '#libs/kernel';
import type { Telemetry } from '#libs/observability';
import type { ResultStore } from '#libs/storage';
import type { TimeDefinition } from '#libs/windowing';
import { nounOf } from '../model/function-definition.js';
import type { FunctionTopics } from '../model/function-topics.js';
import type { InputDefinition } from '../task-inputs.js';
import type { AnyWindowFunction } from './window-function.js';

export interface WindowTaskOptions {
  readonly definition: AnyWindowFunction;
  readonly pipeline: string;
  readonly time: TimeDefinition;
  readonly topics: FunctionTopics;
  readonly clock: Clock;
  readonly telemetry: Telemetry;
  /** Shows windows that are still filling. */
  readonly results: Pick<ResultStore, 'putOpenWindows' | 'removeOpenWindows'>;
}

// A window function is two stages, as the aggregation of a pipeline is: events of one key may be in any partition of the
// input. Each local task decides time and lateness of one partition and sends mergeable deltas to the global tasks, by key.
// Names with a dot can't be those of users' functions and topics.

/** The stage of the local tasks: one a partition of the input. */
export function localStageOf(name: string): string {
  return `${name}.local`;
}

/** The stage of the global tasks: one a partition of {@link partialsTopicOf}. */
export function globalStageOf(name: string): string {
  return `${name}.global`;
}

/** The short name of the topic between the two stages. */
export function partialsTopicOf({ name }: { readonly name: string }, pipeline: string): string {
  return `${pipeline}.${name}.partials`;
}

/** Whose progress documents they are: beside those of the pipeline itself. */
export function progressOwnerOf(pipeline: string, name: string): string {
  return `${pipeline}.${name}`;
}

/** The subscription under which a function reads. */
export function subscriptionOf(name: string): string {
  return `function-${name}`;
}

/** The input of a function's task: frames of `enriched`, else single messages. */
export function inputOf(
  { name, input }: { readonly name: string; readonly input: string },
  topics: FunctionTopics,
  partition: number,
): InputDefinition {
  const kind = nounOf(input) === 'enriched' ? 'enriched' : 'messages';
  return { topic: topics(input).name, partition, subscription: subscriptionOf(name), kind };
}
