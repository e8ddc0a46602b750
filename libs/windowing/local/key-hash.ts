import type { JsonScalar } from '#libs/kernel';

const FNV_OFFSET = 0x811c9dc5;
const FNV_PRIME = 0x01000193;

/**
 * FNV-1a, 32 bits, of the values of a key, by UTF-16 code units: an unsigned integer. It is stored, so it stays as it is.
 * Not kernel's murmur3, which takes bytes: asked for each key of each commit, that would cost as much as the rest of
 * the way of an event.
 *
 * Source: Fowler, Noll, Vo: http://www.isthe.com/chongo/tech/comp/fnv/
 */
export function keyHash(key: readonly JsonScalar[]): number {
  let hash = FNV_OFFSET;
  for (const value of key) {
    // The first letter of the type keeps `1` and `'1'` apart, and ends the value before.
    hash = Math.imul(hash ^ TYPES[typeof value]!, FNV_PRIME);
    const text = typeof value === 'string' ? value : String(value);
    for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), FNV_PRIME);
  }
  return hash >>> 0;
}

/** Above every code unit. */
const TYPES: Readonly<Record<string, number>> = {
  string: 0x10001,
  number: 0x10002,
  boolean: 0x10003,
  object: 0x10004,
};
