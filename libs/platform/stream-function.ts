import { applyDecorators, Injectable, SetMetadata } from '@nestjs/common';
import {
  defineFunction,
  type EventFunction,
  type FunctionDefinition,
  type FunctionSettings,
} from '#libs/functions';
import type { JsonObject } from '#libs/kernel';

const STREAM_FUNCTION = 'millrace:stream-function';

/**
 * Makes a provider a function: wherever it stands among the providers of an app that imports FunctionsModule, it is found
 * and run. Its constructor is injected as any other's. The class implements {@link EventFunction}.
 *
 * @throws FunctionInvalidError when the app starts, with every problem of the settings
 */
export function StreamFunction<Input = never>(
  settings: FunctionSettings<Input>,
): <Code extends new (...args: never[]) => EventFunction<Input, unknown>>(target: Code) => void {
  return applyDecorators(Injectable(), SetMetadata(STREAM_FUNCTION, settings)) as ClassDecorator;
}

/** The function that an instance of a class is; undefined: its class is not marked as one. */
export function functionOf(
  type: unknown,
  code: EventFunction<unknown, unknown>,
): FunctionDefinition<unknown, unknown, JsonObject> | undefined {
  if (typeof type !== 'function') return undefined;
  const settings = Reflect.getMetadata(STREAM_FUNCTION, type) as FunctionSettings | undefined;
  if (settings === undefined) return undefined;
  const { onTimer } = code;
  return defineFunction<unknown, unknown>({
    ...settings,
    process: (event, context) => code.process(event, context),
    ...(onTimer === undefined ? {} : { onTimer: (timer, context) => onTimer.call(code, timer, context) }),
  });
}
