import { sealValue, unsealValue } from '#libs/kernel';
import { DataDamagedError } from '#libs/storage';

/** See `sealValue`. */
export const seal = sealValue;

/**
 * A view of the content.
 *
 * @param what for the error: whose content it is
 * @throws DataDamagedError
 */
export function unseal(
  key: unknown,
  sealed: Buffer,
  what: string,
): { readonly tag: number; readonly content: Buffer } {
  const found = unsealValue(key, sealed);
  if (typeof found === 'string') throw new DataDamagedError(what, found);
  return found;
}
