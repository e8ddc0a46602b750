import { applyDecorators, Injectable, SetMetadata } from '@nestjs/common';
import {
  type AnyWindowFunction,
  defineWindowFunction,
  type MeasuredBy,
  type Measures,
  type WindowFunctionDefinition,
  type WindowFunctionSettings,
  type WindowResultHandler,
  type WindowRow,
} from '#libs/functions';

const WINDOW_FUNCTION = 'millrace:window-function';

/**
 * Makes a provider a window function: wherever it stands among the providers of an app that imports FunctionsModule, it is
 * found and run. The class may be empty, or implement {@link WindowResultHandler}.
 *
 * @throws FunctionInvalidError when the app starts, with every problem of the settings
 */
export function WindowFunction<Input, const M extends Measures<Input> = Measures<Input>>(
  settings: WindowFunctionSettings<Input, M>,
): (target: new (...args: never[]) => WindowResultHandler<MeasuredBy<M>>) => void {
  return applyDecorators(Injectable(), SetMetadata(WINDOW_FUNCTION, settings)) as ClassDecorator;
}

/** The window function that an instance of a class is, for tests; undefined: its class is not marked as one. */
export function windowFunctionOf(
  type: unknown,
  code: object,
): WindowFunctionDefinition<unknown, Measures<unknown>> | undefined {
  if (typeof type !== 'function') return undefined;
  const settings = Reflect.getMetadata(WINDOW_FUNCTION, type) as WindowFunctionSettings<unknown> | undefined;
  if (settings === undefined) return undefined;
  const { complete } = code as WindowResultHandler;
  if (complete === undefined) return defineWindowFunction<unknown>(settings);
  return defineWindowFunction<unknown, Measures<unknown>, unknown>({
    ...settings,
    complete: (row) => complete.call(code, row as WindowRow),
  });
}

/** As the runtime takes it. */
export function anyWindowFunction(definition: object): AnyWindowFunction {
  return definition as AnyWindowFunction;
}
