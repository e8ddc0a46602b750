import { type DynamicModule, type Type } from '@nestjs/common';
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { PlatformError, type RetryAdvice } from '#libs/kernel';
import { isJoin, isWindowFunction } from '#libs/functions';
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
 * The modules of a compiled file of the user's: the Nest modules that it exports, and one for its definitions.
 *
 * @throws FunctionsFileError
 */
export async function loadUserFunctions(file: string): Promise<readonly (Type | DynamicModule)[]> {
  const exported = Object.values(await load(file));
  const modules = exported.filter(isNestModule);
  const definitions = exported.filter(isDefinition);
  if (modules.length + definitions.length === 0)
    throw new FunctionsFileError(file, 'it exports neither Nest modules nor what defineFunction gives');
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
  return typeof value === 'function' && Reflect.hasMetadata('providers', value);
}

function isDefinition(value: unknown): value is { readonly name: string } {
  if (typeof value !== 'object' || value === null) return false;
  return ('process' in value && 'input' in value) || isWindowFunction(value) || isJoin(value);
}
