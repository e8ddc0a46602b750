import type { Clock } from '#libs/kernel';
import type { Telemetry } from '#libs/observability';
import type { TimeDefinition } from '#libs/windowing';
import type { FunctionDefinition } from './function-definition.js';
import type { FunctionTopics } from './function-topics.js';

export interface FunctionTaskOptions {
  readonly definition: FunctionDefinition;
  readonly pipeline: string;
  readonly partition: number;
  /** Of the input: how many tasks the function has. */
  readonly partitions: number;
  readonly time: TimeDefinition;
  readonly topics: FunctionTopics;
  /** Those that the definition declares, by name. */
  readonly secrets?: ReadonlyMap<string, string>;
  readonly clock: Clock;
  readonly telemetry: Telemetry;
  /** 0 ≤ r < 1; for jitter only. */
  readonly random: () => number;
}
