import { applyDecorators, Injectable, SetMetadata } from '@nestjs/common';
import {
  type AnyJoin,
  defineIntervalJoin,
  defineTableJoin,
  type IntervalJoinCode,
  type IntervalJoinDefinition,
  type IntervalJoinKind,
  type IntervalJoinSettings,
  type TableJoinCode,
  type TableJoinDefinition,
  type TableJoinSettings,
} from '#libs/functions';

const INTERVAL_JOIN = 'millrace:interval-join';
const TABLE_JOIN = 'millrace:table-join';

/**
 * Makes a provider a join of two streams within an interval: wherever it stands among the providers of an app that imports
 * FunctionsModule, it is found and run. The class implements {@link IntervalJoinCode}.
 *
 * @throws FunctionInvalidError when the app starts, with every problem of the settings
 */
export function IntervalJoin<Left, Right, Kind extends IntervalJoinKind>(
  settings: IntervalJoinSettings<Left, Right, Kind>,
): (target: new (...args: never[]) => IntervalJoinCode<Left, Right, Kind, unknown>) => void {
  return applyDecorators(Injectable(), SetMetadata(INTERVAL_JOIN, settings)) as ClassDecorator;
}

/**
 * Makes a provider a join of a stream with a table as of event time, found and run as {@link IntervalJoin}. The class
 * implements {@link TableJoinCode}.
 *
 * @throws FunctionInvalidError when the app starts, with every problem of the settings
 */
export function TableJoin<Input, Row, Kind extends 'inner' | 'left'>(
  settings: TableJoinSettings<Input, Row, Kind>,
): (target: new (...args: never[]) => TableJoinCode<Input, Row, Kind, unknown>) => void {
  return applyDecorators(Injectable(), SetMetadata(TABLE_JOIN, settings)) as ClassDecorator;
}

/** The join that an instance of a class under {@link IntervalJoin} is, for tests; undefined: its class is not marked as one. */
export function intervalJoinOf(
  type: unknown,
  code: object,
): IntervalJoinDefinition<unknown, unknown, IntervalJoinKind, unknown> | undefined {
  const settings = metadataOf<IntervalJoinSettings<unknown, unknown, 'outer'>>(type, INTERVAL_JOIN);
  if (settings === undefined) return undefined;
  const { join } = code as IntervalJoinCode<unknown, unknown, 'outer', unknown>;
  const called: typeof join = (left, right, pair) => join.call(code, left, right, pair);
  return defineIntervalJoin<unknown, unknown, IntervalJoinKind, unknown>({ ...settings, join: called });
}

/** The join that an instance of a class under {@link TableJoin} is, for tests; undefined: its class is not marked as one. */
export function tableJoinOf(
  type: unknown,
  code: object,
): TableJoinDefinition<unknown, unknown, 'inner' | 'left', unknown> | undefined {
  const settings = metadataOf<TableJoinSettings<unknown, unknown, 'left'>>(type, TABLE_JOIN);
  if (settings === undefined) return undefined;
  const { join } = code as TableJoinCode<unknown, unknown, 'left', unknown>;
  const called: typeof join = (data, row, found) => join.call(code, data, row, found);
  return defineTableJoin<unknown, unknown, 'inner' | 'left', unknown>({ ...settings, join: called });
}

/** The join of whatever kind that an instance is. */
export function joinOf(type: unknown, code: object): AnyJoin | undefined {
  return (intervalJoinOf(type, code) ?? tableJoinOf(type, code)) as AnyJoin | undefined;
}

function metadataOf<Settings>(type: unknown, name: string): Settings | undefined {
  return typeof type === 'function' ? (Reflect.getMetadata(name, type) as Settings | undefined) : undefined;
}
