import type { Clock, JsonObject } from '#libs/kernel';
import type { Telemetry } from '#libs/observability';
import type { FunctionCounters } from './function-counters.js';
import type { FunctionLogger } from './function-context.js';
import type { FunctionDefinition } from './function-definition.js';
import { loggerOf } from './function-logger.js';
import type { FunctionTaskOptions } from './function-task-options.js';
import { OutputMessages } from './output-messages.js';
import type { Secrets } from './secret.js';
import type { StateStore } from './state-store.js';
import type { TimerStore } from './timer-store.js';

/** What the calls of one task share. */
export interface FunctionEnvironment {
  readonly definition: FunctionDefinition;
  readonly pipeline: string;
  readonly partition: number;
  readonly partitions: number;
  /** Full name. */
  readonly inputTopic: string;
  readonly config: JsonObject;
  readonly maxStateBytes: number;
  readonly secrets: Secrets;
  readonly logger: FunctionLogger;
  readonly store: StateStore;
  readonly timers: TimerStore;
  readonly counters: FunctionCounters;
  readonly outputs: OutputMessages;
  readonly clock: Clock;
  readonly telemetry: Telemetry;
  /** Aborts when the task drains or loses its lease. */
  readonly signal: AbortSignal;
}

const DEFAULT_STATE_BYTES = 64 * 1024 * 1024;

/** Gathers it. */
export function environmentOf(
  options: FunctionTaskOptions,
  parts: Pick<FunctionEnvironment, 'store' | 'timers' | 'counters' | 'secrets' | 'signal'>,
): FunctionEnvironment {
  const { definition, topics, pipeline, partition, partitions, clock, telemetry } = options;
  return {
    ...parts,
    definition,
    pipeline,
    partition,
    partitions,
    inputTopic: topics(definition.input).name,
    config: Object.freeze({ ...definition.config }),
    maxStateBytes: definition.maxStateBytes ?? DEFAULT_STATE_BYTES,
    logger: loggerOf(telemetry, { function: definition.name, pipeline, partition }),
    outputs: new OutputMessages(definition, pipeline, topics),
    clock,
    telemetry,
  };
}
