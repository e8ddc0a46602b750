import {
  type AnyJoin,
  type AnyWindowFunction,
  type FunctionDefinition,
  FunctionInvalidError,
  FunctionTaskLogic,
  inputOf,
  isJoin,
  isWindowFunction,
  joinTask,
  partialsTopicOf,
  pipelineOf,
  pipelineOfJoin,
  stateIdentityOf,
  subscriptionOf,
  type TaskDefinition,
  type TaskFactory,
  topicsOfJoin,
  windowGlobalTask,
  windowLocalTask,
  type WindowTaskOptions,
} from '#libs/functions';
import type { Clock } from '#libs/kernel';
import type { TopicSpec } from '#libs/messaging';
import type { Telemetry } from '#libs/observability';
import { COLLECTIONS, type DocumentWrite, type ResultStore } from '#libs/storage';
import type { Pipelines } from './pipelines.js';

/** A function of any kind. */
export type AnyFunction = FunctionDefinition | AnyWindowFunction | AnyJoin;

/** What must be there before a function runs, and the tasks that run it. */
export interface FunctionPlan {
  readonly topics: readonly TopicSpec[];
  readonly tasks: readonly TaskFactory[];
  /** What others are told of it. */
  readonly documents: readonly DocumentWrite[];
}

export interface FunctionSurroundings {
  readonly pipelines: Pipelines;
  readonly secrets: ReadonlyMap<string, string>;
  readonly clock: Clock;
  readonly telemetry: Telemetry;
  readonly results: ResultStore;
}

/**
 * How a function is run.
 *
 * @throws FunctionInvalidError, FunctionSecretMissingError, PipelineUnknownError
 */
export function planOf(definition: AnyFunction, around: FunctionSurroundings): FunctionPlan {
  if (isJoin(definition)) return joinPlan(definition, around);
  return isWindowFunction(definition) ? windowPlan(definition, around) : eventPlan(definition, around);
}

function eventPlan(definition: FunctionDefinition, around: FunctionSurroundings): FunctionPlan {
  const { input, output, publishes = [] } = definition;
  const targets = output === undefined ? publishes : [output, ...publishes];
  const { partitions } = around.pipelines.place(input);
  return {
    topics: [inputTopic(definition, around), ...targets.map((topic) => around.pipelines.place(topic))],
    tasks: range(partitions).map((partition) => eventTask(definition, { partition, partitions }, around)),
    documents: [],
  };
}

function eventTask(
  definition: FunctionDefinition,
  place: { readonly partition: number; readonly partitions: number },
  { pipelines, secrets, clock, telemetry }: FunctionSurroundings,
): TaskFactory {
  const { name, input, state } = definition;
  const pipeline = pipelines.byName(pipelineOf(input));
  const task = { pipeline: pipeline.name, stage: name, partition: place.partition };
  const topics = pipelines.place.bind(pipelines);
  const options = {
    ...{ ...place, definition, pipeline: pipeline.name, time: pipeline.time },
    ...{ topics, secrets, clock, telemetry, random: Math.random },
  };
  // Made once here, so that what it lacks stops the start and not the task.
  new FunctionTaskLogic(options);
  const make = (): TaskDefinition => ({
    task,
    inputs: [inputOf(definition, topics, place.partition)],
    identity: stateIdentityOf(name, state),
    logic: new FunctionTaskLogic(options),
  });
  return { task, kind: 'committed', make };
}

/** Local tasks over the input, global tasks over the deltas between them; the series is told to whoever shows rows. */
function windowPlan(definition: AnyWindowFunction, around: FunctionSurroundings): FunctionPlan {
  const { name, input, output } = definition;
  const { pipelines } = around;
  const pipeline = pipelines.byName(pipelineOf(input));
  if (pipeline.series.some((series) => series.name === name))
    throw new FunctionInvalidError(name, [`a series of the pipeline '${pipeline.name}' has this name`]);
  const topics = pipelines.place.bind(pipelines);
  const partials = topics(partialsTopicOf(definition, pipeline.name));
  const options = { ...around, definition, topics, pipeline: pipeline.name, time: pipeline.time };
  return {
    topics: [
      inputTopic(definition, around),
      { ...partials, subscriptions: [subscriptionOf(name)], retentionMs: 0 },
      ...(output === undefined ? [] : [topics(output)]),
    ],
    tasks: [
      ...range(topics(input).partitions).map((partition) => stageTask(windowLocalTask, options, partition)),
      ...range(partials.partitions).map((partition) => stageTask(windowGlobalTask, options, partition)),
    ],
    documents: [seriesDocument(definition, pipeline.name, partials.partitions)],
  };
}

function stageTask(
  make: (options: WindowTaskOptions, partition: number) => TaskDefinition,
  options: WindowTaskOptions,
  partition: number,
): TaskFactory {
  const { task } = make(options, partition);
  return { task, kind: 'committed', make: () => make(options, partition) };
}

/** One task a partition of both inputs: events of one key must be in the same partition of each. */
function joinPlan(definition: AnyJoin, around: FunctionSurroundings): FunctionPlan {
  const { name, output } = definition;
  const { pipelines } = around;
  const pipeline = pipelines.byName(pipelineOfJoin(definition));
  const topics = pipelines.place.bind(pipelines);
  const inputs = topicsOfJoin(definition).map((input) => ({ input, partitions: topics(input).partitions }));
  const [first, second = first!] = inputs;
  if (first!.partitions !== second.partitions) {
    const found = inputs.map(({ input, partitions }) => `${input} has ${partitions}`).join(', ');
    throw new FunctionInvalidError(name, [`its inputs must have the same number of partitions: ${found}`]);
  }
  const options = { ...around, definition, topics, pipeline: pipeline.name, time: pipeline.time };
  return {
    topics: [...inputs.map(({ input }) => inputTopic({ name, input }, around)), topics(output)],
    tasks: range(first!.partitions).map((partition): TaskFactory => {
      const { task } = joinTask(options, partition);
      return { task, kind: 'committed', make: () => joinTask(options, partition) };
    }),
    documents: [],
  };
}

/** What the dashboard needs to know of a series that stands in no pipeline file. */
function seriesDocument(definition: AnyWindowFunction, pipeline: string, tasks: number): DocumentWrite {
  const { name, window, measures } = definition;
  const names = Object.keys(measures);
  return {
    collection: COLLECTIONS.functionSeries,
    id: `${pipeline}/${name}`,
    timeMs: 0,
    fields: { pipeline, series: name },
    body: {
      pipeline,
      series: name,
      window: { ...window.definition },
      allowedLatenessMs: window.allowedLatenessMs,
      measures: names,
      tasks,
    },
  };
}

function inputTopic(
  { name, input }: { readonly name: string; readonly input: string },
  { pipelines }: FunctionSurroundings,
): TopicSpec {
  return { ...pipelines.place(input), subscriptions: [subscriptionOf(name)] };
}

function range(count: number): readonly number[] {
  return Array.from({ length: count }, (_, place) => place);
}
