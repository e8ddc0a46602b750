import type { StreamEvent } from '#libs/kernel';
import { asError } from '../functions.errors.js';
import type { FunctionDefinition } from './function-definition.js';
import { ownKeyOf } from './key-id.js';

/** The key of an event; undefined: the function does not want it; an error: its `where` or `by` has failed. */
export function selectKey(
  { where, by }: Pick<FunctionDefinition, 'where' | 'by'>,
  event: StreamEvent,
): string | Error | undefined {
  try {
    if (where !== undefined && !where(event)) return undefined;
    if (by === undefined) return ownKeyOf(event);
    const key: unknown = by(event);
    return typeof key === 'string' ? key : new TypeError(`by gave ${typeof key}, wanted a text`);
  } catch (error) {
    return asError(error);
  }
}
