import {
  type FunctionDefinition,
  type IntervalJoinDefinition,
  type IntervalJoinKind,
  isJoin,
  isWindowFunction,
  type Measures,
  type TableJoinDefinition,
  type WindowFunctionDefinition,
} from '#libs/functions';
import { FunctionTestDriver as EventTestDriver } from './function-test-driver.js';
import type { FunctionTestOptions } from './function-test-options.js';
import { JoinTestDriver } from './join-test-driver.js';
import { WindowTestDriver, type WindowTestOptions } from './window-test-driver.js';

/** Makes the driver of a function, of whatever kind: what can be asked of it depends on the kind. */
interface AnyTestDriver {
  new <Input, Output = unknown>(
    definition: FunctionDefinition<Input, Output>,
    options?: FunctionTestOptions,
  ): EventTestDriver<Input, Output>;
  new <Input, M extends Measures<Input>, Output>(
    definition: WindowFunctionDefinition<Input, M, Output>,
    options?: WindowTestOptions,
  ): WindowTestDriver<Input, M, Output>;
  new <Left, Right, Kind extends IntervalJoinKind, Output>(
    definition: IntervalJoinDefinition<Left, Right, Kind, Output>,
    options?: WindowTestOptions,
  ): JoinTestDriver<Left, Right, Output>;
  new <Input, Row, Kind extends 'inner' | 'left', Output>(
    definition: TableJoinDefinition<Input, Row, Kind, Output>,
    options?: WindowTestOptions,
  ): JoinTestDriver<Input, Row, Output>;
}

/**
 * Runs a function under virtual time, without a server: `new FunctionTestDriver(definition, options)`. Events in, time on,
 * rows, messages, state and dead letters out; crashes at a named step.
 */
export const FunctionTestDriver = function (definition: FunctionDefinition, options?: WindowTestOptions) {
  if (isWindowFunction(definition)) return new WindowTestDriver(definition as never, options);
  if (isJoin(definition)) return new JoinTestDriver(definition as never, options);
  return new EventTestDriver(definition, options);
} as unknown as AnyTestDriver;
export type FunctionTestDriver<Input, Output = unknown> = EventTestDriver<Input, Output>;
