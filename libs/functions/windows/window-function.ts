import type { JsonScalar, JsonValue, StreamEvent } from '#libs/kernel';
import { FunctionInvalidError } from '../model/function.errors.js';
import { integerProblems, nameProblems, topicProblems } from '../model/function-definition.js';
import type { MeasuredBy, Measures, ValueOf } from './measure.js';
import type { StatedWindow } from './stated-window.js';

/** The values that rows are grouped by, each under its name. The stream always belongs to the key and is not named. */
export type WindowKey = Readonly<Record<string, JsonScalar>>;

/** Everything about a window function but its code. */
export interface WindowFunctionSettings<Input, M extends Measures<Input> = Measures<Input>> {
  /** Names the series, the tasks and their state: lower-case letters, digits and `-`. */
  readonly name: string;
  /** `<pipeline>.enriched`, the output of a function, or another public topic of a pipeline. */
  readonly input: string;
  /** `tumbling('1m').withAllowedLateness('30s')` and the like. */
  readonly window: StatedWindow;
  /** What rows are grouped by, besides the stream; pure. 1 to 8 names, always the same ones. Default: nothing. */
  readonly by?: ValueOf<Input, WindowKey>;
  /** Only events for which this is true; pure. */
  readonly where?: ValueOf<Input, boolean>;
  readonly measures: M;
  /**
   * Where the messages of rows go: `<pipeline>.<noun>`, a noun that Millrace does not use itself. Default:
   * `<pipeline>.results`. The rows themselves are in the result store in either case.
   */
  readonly output?: string;
  /** The most keys of a window in one partition of the input; the rest count under `__other__`. Default 10,000. */
  readonly maxKeys?: number;
}

/** A row of a window function: of one window, stream and key. It replaces the one of a lower revision. */
export interface WindowRow<Measured = Readonly<Record<string, JsonValue>>> {
  readonly pipeline: string;
  /** The name of the function. */
  readonly series: string;
  readonly stream: string;
  readonly key: WindowKey;
  /** Epoch milliseconds; the window is half-open. */
  readonly windowStartMs: number;
  readonly windowEndMs: number;
  readonly measures: Measured;
  /** 0 for the first complete result, then one more for each correction. */
  readonly revision: number;
  /** A complete session that was merged into another: this row takes it back. */
  readonly retracted?: true;
}

/** The code of a window function, where it has any: what a class under `@WindowFunction` may implement. */
export interface WindowResultHandler<Measured = Readonly<Record<string, JsonValue>>, Output = unknown> {
  /**
   * Called for each complete row and each correction: what it gives goes to the output in place of the row, nothing where
   * it gives nothing. Pure, not async. What it throws makes the row's message a dead letter; the row stays.
   */
  complete?(row: WindowRow<Measured>): Output | undefined | void;
}

/** A window function, ready to be run by the runtime or by the `FunctionTestDriver`. */
export interface WindowFunctionDefinition<
  Input = unknown,
  M extends Measures<Input> = Measures<Input>,
  Output = unknown,
>
  extends WindowFunctionSettings<Input, M>, WindowResultHandler<MeasuredBy<M>, Output> {
  readonly kind: 'window';
}

/** As the runtime sees it: whatever its types. */
export type AnyWindowFunction = Omit<
  WindowFunctionDefinition<never>,
  'measures' | 'by' | 'where' | 'complete'
> & {
  readonly measures: Measures<unknown>;
  readonly by?: (data: unknown, event: StreamEvent) => WindowKey;
  readonly where?: (data: unknown, event: StreamEvent) => boolean;
  readonly complete?: (row: WindowRow) => unknown;
};

const MEASURE_NAME = /^[A-Za-z_][A-Za-z0-9_]{0,62}$/;

/**
 * Checks a window function and gives it back. Typed from input to measures: name the input's type where it is first used,
 * `by: (c: Checkout) => …`, or as `defineWindowFunction<Checkout>`.
 *
 * @throws FunctionInvalidError that names every problem
 */
export function defineWindowFunction<
  Input,
  const M extends Measures<Input> = Measures<Input>,
  Output = unknown,
>(
  definition: WindowFunctionSettings<Input, M> & WindowResultHandler<MeasuredBy<M>, Output>,
): WindowFunctionDefinition<Input, M, Output> {
  const { name, input, output } = definition;
  const problems = [
    ...nameProblems(name),
    ...topicProblems({ input, ...(output === undefined ? {} : { output }) }),
    ...measureProblems(definition.measures),
    ...windowProblems(definition.window),
    ...integerProblems('maxKeys', definition.maxKeys, 10_000_000),
  ];
  if (problems.length > 0) throw new FunctionInvalidError(name, problems);
  return { ...definition, kind: 'window' };
}

function measureProblems(measures: object): readonly string[] {
  const names = Object.keys(measures);
  const misspelt = names.filter((name) => !MEASURE_NAME.test(name));
  return [
    ...(names.length === 0 ? ['it has no measures'] : []),
    ...misspelt.map((name) => `a measure is called '${name}', wanted letters, digits and _, no digit first`),
  ];
}

/** Code that is not checked by types may leave out what happens to late events. */
function windowProblems(window: Partial<StatedWindow> | undefined): readonly string[] {
  return window?.definition === undefined || window.allowedLatenessMs === undefined
    ? ['its window does not say what happens to late events: .withoutLateness() or .withAllowedLateness(…)']
    : [];
}

/** Is it a window function, and no function that is called for every event. */
export function isWindowFunction(definition: object): definition is AnyWindowFunction {
  return 'kind' in definition && definition.kind === 'window';
}
