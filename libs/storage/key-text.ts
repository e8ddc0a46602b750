import { createHash } from 'node:crypto';

/** Longer texts would not fit into a key of LMDB (1,978 bytes) with what stands beside them. */
const MAX_KEY_TEXT = 300;
const KEPT_OF_LONG = 200;

/**
 * A text as part of a key: printable ASCII, so that the order of keys is the order of these texts in JavaScript,
 * and short: of a long one the beginning and its hash. Different texts stay different.
 */
export function keyText(text: string): string {
  // What is not printable ASCII, the escape sign itself and the mark of the hash: as \uXXXX.
  const plain = text.replace(
    /[^ -[\]-}]/g,
    (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
  if (plain.length <= MAX_KEY_TEXT) return plain;
  return `${plain.slice(0, KEPT_OF_LONG)}~${createHash('sha256').update(text).digest('base64url')}`;
}
