import { parseDuration, type StreamEvent } from '#libs/kernel';
import { FunctionInvalidError } from '../model/function.errors.js';
import { integerProblems, nameProblems, topicProblems } from '../model/function-definition.js';

/** One input of a join. */
export interface JoinSource<Input> {
  /** `<pipeline>.enriched`, the output of a function, or another public topic. Both inputs of a join may be the same one. */
  readonly topic: string;
  /**
   * The key by which events meet; pure. Events of one key must be in one partition, and in the same one of both topics:
   * it has to be what the partition follows from, the event's key. Default: the event's key, else its id.
   */
  readonly by?: (data: Input, event: StreamEvent<Input>) => string;
  /** Only events for which this is true; pure. */
  readonly where?: (data: Input, event: StreamEvent<Input>) => boolean;
}

/** What is the same of every join. */
export interface JoinSettings {
  /** Names the task and its state: lower-case letters, digits and `-`. */
  readonly name: string;
  /** Where results go: `<pipeline>.<noun>`, a noun that Millrace does not use itself. */
  readonly output: string;
  /** What the state of one task may take as JSON. What comes beyond is not kept, and named. Default 64 MiB. */
  readonly maxStateBytes?: number;
}

/** `inner`: pairs alone. `left`: also each left event without a partner. `outer`: also each right one. */
export type IntervalJoinKind = 'inner' | 'left' | 'outer';

/** A pair, or an event that has found no partner. */
export interface JoinedPair<Left, Right> {
  readonly stream: string;
  readonly key: string;
  readonly left?: StreamEvent<Left>;
  readonly right?: StreamEvent<Right>;
}

export interface IntervalJoinSettings<Left, Right, Kind extends IntervalJoinKind> extends JoinSettings {
  readonly left: JoinSource<Left>;
  readonly right: JoinSource<Right>;
  readonly kind: Kind;
  /**
   * A right event is a partner of a left one of its stream and key if its time is at most `before` earlier and at most
   * `after` later, both inclusive; as people write it, `0s` is none.
   */
  readonly within: { readonly before: string; readonly after: string };
  /** Events that a task keeps for partners to come. What comes beyond joins what is there, and is not kept. Default 100,000. */
  readonly maxEvents?: number;
}

/** The code of an interval join: what a class under `@IntervalJoin` implements. */
export interface IntervalJoinCode<Left, Right, Kind extends IntervalJoinKind, Output> {
  /** Pure, not async. Nothing: no message. What it throws makes the pair a dead letter. */
  join(
    left: Kind extends 'outer' ? Left | undefined : Left,
    right: Kind extends 'inner' ? Right : Right | undefined,
    pair: JoinedPair<Left, Right>,
  ): Output | undefined | void;
}

/** A join of two streams within an interval, ready to be run by the runtime or by the `FunctionTestDriver`. */
export interface IntervalJoinDefinition<
  Left = unknown,
  Right = unknown,
  Kind extends IntervalJoinKind = IntervalJoinKind,
  Output = unknown,
>
  extends IntervalJoinSettings<Left, Right, Kind>, IntervalJoinCode<Left, Right, Kind, Output> {
  readonly joins: 'interval';
}

/** An input that is read as a table: the newest event of each key is its row. */
export interface TableSource<Row> extends JoinSource<Row> {
  /** The event takes the row away. Default: its data is `null`. */
  readonly deletedWhen?: (data: Row, event: StreamEvent<Row>) => boolean;
  /**
   * For how long after the table's watermark has passed it a version is still found, as people write it. Events and updates
   * that are older are late.
   */
  readonly history: string;
}

export interface TableJoinSettings<Input, Row, Kind extends 'inner' | 'left'> extends JoinSettings {
  readonly stream: JoinSource<Input>;
  readonly table: TableSource<Row>;
  /** `inner`: events that find a row. `left`: all. */
  readonly kind: Kind;
  /** Events that wait for the table's watermark; with more the stream is not read. Default 10,000. */
  readonly maxWaiting?: number;
}

/** An event and the row that was valid at its time. */
export interface JoinedRow<Input> {
  readonly key: string;
  readonly event: StreamEvent<Input>;
  /** Since when the row is as it is, epoch milliseconds; absent: there is none. */
  readonly rowSinceMs?: number;
}

/** The code of a table join: what a class under `@TableJoin` implements. */
export interface TableJoinCode<Input, Row, Kind extends 'inner' | 'left', Output> {
  /** Pure, not async. Nothing: no message. What it throws makes the event a dead letter. */
  join(
    data: Input,
    row: Kind extends 'inner' ? Row : Row | undefined,
    found: JoinedRow<Input>,
  ): Output | undefined | void;
}

/** A join of a stream with a table as of event time, ready to be run by the runtime or by the `FunctionTestDriver`. */
export interface TableJoinDefinition<
  Input = unknown,
  Row = unknown,
  Kind extends 'inner' | 'left' = 'inner' | 'left',
  Output = unknown,
>
  extends TableJoinSettings<Input, Row, Kind>, TableJoinCode<Input, Row, Kind, Output> {
  readonly joins: 'table';
}

/** As the runtime sees them: whatever their types. */
export type AnyIntervalJoin = Omit<IntervalJoinDefinition, 'join'> & {
  join(left: unknown, right: unknown, pair: JoinedPair<unknown, unknown>): unknown;
};
export type AnyTableJoin = Omit<TableJoinDefinition, 'join'> & {
  join(data: unknown, row: unknown, found: JoinedRow<unknown>): unknown;
};
export type AnyJoin = AnyIntervalJoin | AnyTableJoin;

/**
 * Checks a join of two streams within an interval, and gives it back. Typed from inputs to output: name the types where
 * they are first used, `by: (order: Order) => …`.
 *
 * @throws FunctionInvalidError that names every problem
 */
export function defineIntervalJoin<Left, Right, Kind extends IntervalJoinKind, Output>(
  definition: IntervalJoinSettings<Left, Right, Kind> & IntervalJoinCode<Left, Right, Kind, Output>,
): IntervalJoinDefinition<Left, Right, Kind, Output> {
  const { name, within, maxEvents, left, right, kind } = definition;
  const problems = [
    ...joinProblems(definition, [left, right]),
    ...durationProblems('within.before', within?.before),
    ...durationProblems('within.after', within?.after),
    ...integerProblems('maxEvents', maxEvents, 10_000_000),
    ...kindProblems(kind, ['inner', 'left', 'outer']),
  ];
  if (problems.length > 0) throw new FunctionInvalidError(name, problems);
  return { ...definition, join: definition.join.bind(definition), joins: 'interval' };
}

/**
 * Checks a join of a stream with a table as of event time, and gives it back. Typed as {@link defineIntervalJoin}.
 *
 * @throws FunctionInvalidError that names every problem
 */
export function defineTableJoin<Input, Row, Kind extends 'inner' | 'left', Output>(
  definition: TableJoinSettings<Input, Row, Kind> & TableJoinCode<Input, Row, Kind, Output>,
): TableJoinDefinition<Input, Row, Kind, Output> {
  const { name, stream, table, maxWaiting, kind } = definition;
  const problems = [
    ...joinProblems(definition, [stream, table]),
    ...durationProblems('table.history', table.history),
    ...integerProblems('maxWaiting', maxWaiting, 1_000_000),
    ...kindProblems(kind, ['inner', 'left']),
  ];
  if (problems.length > 0) throw new FunctionInvalidError(name, problems);
  return { ...definition, join: definition.join.bind(definition), joins: 'table' };
}

/** Is it a join, of whatever kind. */
export function isJoin(definition: object): definition is AnyJoin {
  return 'joins' in definition;
}

/** The topics that a join reads: one where both inputs are the same. */
export function topicsOfJoin(join: AnyJoin): readonly string[] {
  const topics = join.joins === 'interval' ? [join.left, join.right] : [join.stream, join.table];
  return [...new Set(topics.map(({ topic }) => topic))];
}

function joinProblems(
  { name, output, maxStateBytes, ...code }: JoinSettings & { readonly join?: unknown },
  sources: readonly { readonly topic: string }[],
): readonly string[] {
  const topics = sources.flatMap(({ topic }) => topicProblems({ input: topic, output }));
  return [
    ...nameProblems(name),
    ...new Set(topics),
    ...integerProblems('maxStateBytes', maxStateBytes, Number.MAX_SAFE_INTEGER),
    ...(typeof code.join === 'function' ? [] : ['it has no join(…)']),
  ];
}

function kindProblems(kind: string, known: readonly string[]): readonly string[] {
  return known.includes(kind) ? [] : [`kind is '${kind}', wanted ${known.join(', ')}`];
}

function durationProblems(name: string, text: string | undefined): readonly string[] {
  try {
    parseDuration(String(text));
    return [];
  } catch (error) {
    return [`${name}: ${(error as Error).message}`];
  }
}
