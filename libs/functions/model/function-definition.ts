import { type JsonObject, parseDuration, type StreamEvent } from '#libs/kernel';
import type { FailureRules } from './failure.js';
import type { FunctionContext, FunctionTimer } from './function-context.js';
import { FunctionInvalidError } from './function.errors.js';
import type { StateSettings } from './state-evolution.js';

/** What a handler may give: an output, or nothing. */
export type Emitted<Output> = Output | undefined | void;

/** The code of a function: what a class under `@StreamFunction` implements. */
export interface EventFunction<Input, Output = never, Config extends JsonObject = JsonObject> {
  /** Called for every event, in order for each key. May be async. Throwing decides what becomes of it: {@link FailureRules}. */
  process(
    event: StreamEvent<Input>,
    context: FunctionContext<Output, Config>,
  ): Emitted<Output> | Promise<Emitted<Output>>;
  /** Called for timers that the function has set. */
  onTimer?(
    timer: FunctionTimer,
    context: FunctionContext<Output, Config>,
  ): Emitted<Output> | Promise<Emitted<Output>>;
}

/** Everything about a function but its code. */
export interface FunctionSettings<Input = unknown, Config extends JsonObject = JsonObject> {
  /** Names the task and its state: lower-case letters, digits and `-`. Another name is another function. */
  readonly name: string;
  /** `<pipeline>.enriched`, the output of another function, or another public topic of a pipeline. */
  readonly input: string;
  /** Where outputs go: `<pipeline>.<noun>`, a noun that Millrace does not use itself. */
  readonly output?: string;
  /** Other topics that `context.publish` may send to. */
  readonly publishes?: readonly string[];
  /**
   * The key of state, timers and order, always within the event's stream. Default: the event's key, else its id.
   * Where the input has several partitions, events of one key must be in one partition: docs/functions.md.
   */
  readonly by?: (event: StreamEvent<Input>) => string;
  /** Only events for which this is true. */
  readonly where?: (event: StreamEvent<Input>) => boolean;
  /** Version, migrations and names of the state. Default: version 1, any names. */
  readonly state?: StateSettings;
  readonly config?: Config;
  /** Names of secrets that `context.secret` may ask for; a missing one stops the start. */
  readonly secrets?: readonly string[];
  /** Calls that run at once, each for another key. 1 to 1,000, default 16. */
  readonly maxInFlight?: number;
  /** How long one call may take. Default `10s`. Only async handlers can be told. */
  readonly timeBudget?: string;
  readonly failures?: FailureRules;
  /** How long a key is parked before its event becomes a dead letter. Default `10m`. */
  readonly parkFor?: string;
  /** Events that a task keeps parked; what comes beyond is a dead letter. Default 1,000. */
  readonly maxParkedEvents?: number;
  /** What the state of one task may take as JSON. Default 64 MiB. */
  readonly maxStateBytes?: number;
}

/** A function, ready to be run by the runtime or by the `FunctionTestDriver`. */
export interface FunctionDefinition<Input = unknown, Output = unknown, Config extends JsonObject = JsonObject>
  extends FunctionSettings<Input, Config>, EventFunction<Input, Output, Config> {}

const NAME = /^[a-z][a-z0-9-]{0,47}$/;
const TOPIC = /^[a-z][a-z0-9-]{0,47}\.[a-z][a-z0-9-]{0,47}$/;
/** Stages of a pipeline; a function of that name would take their tasks. */
const STAGES = ['enrich', 'local', 'global', 'alert'];
/** What others write: a function must not send there. */
const OWN_NOUNS = [
  'raw',
  'enriched',
  'partials',
  'judged',
  'results',
  'late',
  'dead',
  'alerts',
  'notifications',
  'live',
];
/** Frames of what is no event. */
const UNREADABLE_NOUNS = ['raw', 'partials', 'judged', 'live'];

/**
 * Checks a function and gives it back. Typed from input to output: name the types at `process`, or as
 * `defineFunction<Input, Output>`.
 *
 * @throws FunctionInvalidError that names every problem
 */
export function defineFunction<Input, Output = never, Config extends JsonObject = JsonObject>(
  definition: FunctionDefinition<Input, Output, Config>,
): FunctionDefinition<Input, Output, Config> {
  const problems = problemsOf(definition as unknown as FunctionDefinition);
  if (problems.length > 0) throw new FunctionInvalidError(definition.name, problems);
  return definition;
}

function problemsOf(definition: FunctionDefinition): readonly string[] {
  return [
    ...nameProblems(definition.name),
    ...(typeof definition.process === 'function' ? [] : ['it has no process(event, context)']),
    ...topicProblems(definition),
    ...boundProblems(definition),
    ...stateProblems(definition.state),
  ];
}

/** What is wrong with the name of a function, of whatever kind. */
export function nameProblems(name: string): readonly string[] {
  const problems: string[] = [];
  if (!NAME.test(name))
    problems.push(`its name is '${name}', wanted lower-case letters, digits and -, at most 48`);
  if (STAGES.includes(name)) problems.push(`a stage of every pipeline is called '${name}'`);
  return problems;
}

/** What is wrong with the topics of a function, of whatever kind. */
export function topicProblems({
  input,
  output,
  publishes = [],
}: Pick<FunctionSettings, 'input' | 'output' | 'publishes'>): readonly string[] {
  const targets = [...(output === undefined ? [] : [output]), ...publishes];
  const misspelt = [input, ...targets].filter((topic) => !TOPIC.test(topic));
  const taken = targets.filter((topic) => OWN_NOUNS.includes(nounOf(topic)));
  return [
    ...misspelt.map((topic) => `the topic is '${topic}', wanted <pipeline>.<noun>`),
    ...taken.map((topic) => `it must not send to '${topic}', which Millrace writes itself`),
    ...(UNREADABLE_NOUNS.includes(nounOf(input)) ? [`'${input}' holds no events to be read`] : []),
    ...(targets.includes(input) ? [`it sends to its own input '${input}'`] : []),
  ];
}

const MAX_VERSION = 1_000_000;

const BOUNDS = [
  ['maxInFlight', 1, 1_000],
  ['maxParkedEvents', 0, 1_000_000],
  ['maxStateBytes', 1, Number.MAX_SAFE_INTEGER],
] as const;

function boundProblems(definition: FunctionDefinition): readonly string[] {
  const problems: string[] = [];
  for (const [name, min, max] of BOUNDS) problems.push(...integerProblems(name, definition[name], max, min));
  for (const duration of [definition.timeBudget, definition.parkFor]) {
    if (duration !== undefined) problems.push(...durationProblems(duration));
  }
  return problems;
}

/** What is wrong with the versions of state. */
export function stateProblems({ version = 1, migrate = {} }: StateSettings = {}): readonly string[] {
  const problems = [...integerProblems('state.version', version, MAX_VERSION)];
  for (const made of Object.keys(migrate)) {
    if (!(Number(made) >= 2 && Number(made) <= version))
      problems.push(
        `state.migrate makes version ${made}, wanted versions from 2 to state.version, ${version}`,
      );
  }
  return problems;
}

function durationProblems(text: string): readonly string[] {
  try {
    return parseDuration(text) > 0 ? [] : [`'${text}' is no time`];
  } catch (error) {
    return [(error as Error).message];
  }
}

/** What is wrong with a whole number; undefined: it is left out. */
export function integerProblems(
  name: string,
  value: number | undefined,
  max: number,
  min = 1,
): readonly string[] {
  if (value === undefined || (Number.isInteger(value) && value >= min && value <= max)) return [];
  return [`${name} is ${value}, wanted a whole number from ${min} to ${max}`];
}

/** `checkouts` of `web.checkouts`. */
export function nounOf(topic: string): string {
  return topic.slice(topic.lastIndexOf('.') + 1);
}

/** `web` of `web.checkouts`. */
export function pipelineOf(topic: string): string {
  return topic.slice(0, topic.lastIndexOf('.'));
}
