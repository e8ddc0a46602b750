import { type DynamicModule, Module, type Type } from '@nestjs/common';
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { PlatformError, type RetryAdvice } from '#libs/kernel';
import { isJoin, isWindowFunction } from '#libs/functions';
import { isSubscriber } from '#libs/transport';
import { FunctionsModule } from './functions.module.js';

/** A file of functions that can't be loaded, or holds none. */
export class FunctionsFileError extends PlatformError {
  readonly code = 'FUNCTIONS_FILE_INVALID';
  readonly retry: RetryAdvice = 'never';
  constructor(file: string, problem: string, cause?: unknown) {
    super(`the functions of ${file} can't be run: ${problem}`, { cause, context: { file } });
  }
}

/**
 * The modules of a compiled file of the user's: the Nest modules that it exports, one for its definitions, and one for its
 * subscribers.
 *
 * @throws FunctionsFileError
 */
export async function loadUserFunctions(file: string): Promise<readonly (Type | DynamicModule)[]> {
  const exported = Object.values(await load(file));
  const modules = [...exported.filter(isNestModule), ...subscribersIn(exported)];
  const definitions = exported.filter(isDefinition);
  if (modules.length + definitions.length === 0)
    throw new FunctionsFileError(
      file,
      'it exports neither Nest modules, nor what defineFunction gives, nor a @Subscriber',
    );
  return definitions.length === 0 ? modules : [...modules, FunctionsModule.of(...definitions)];
}

async function load(file: string): Promise<Record<string, unknown>> {
  try {
    return (await import(pathToFileURL(resolve(file)).href)) as Record<string, unknown>;
  } catch (error) {
    throw new FunctionsFileError(file, (error as Error).message, error);
  }
}

function isNestModule(value: unknown): value is Type {
  return (
    typeof value === 'function' &&
    ['providers', 'controllers', 'imports'].some((part) => Reflect.hasMetadata(part, value))
  );
}

/** Subscribers that stand alone, in a module of their own; those of exported modules come with them. */
function subscribersIn(exported: readonly unknown[]): readonly DynamicModule[] {
  const taken = new Set(exported.filter(isNestModule).flatMap((module) => controllersOf(module)));
  const controllers = exported.filter(isSubscriber).filter((each) => !taken.has(each));
  return controllers.length === 0 ? [] : [{ module: SubscribersModule, controllers }];
}

@Module({})
class SubscribersModule {}

function controllersOf(module: Type): readonly unknown[] {
  return (Reflect.getMetadata('controllers', module) as readonly unknown[] | undefined) ?? [];
}

function isDefinition(value: unknown): value is { readonly name: string } {
  if (typeof value !== 'object' || value === null) return false;
  return ('process' in value && 'input' in value) || isWindowFunction(value) || isJoin(value);
}
