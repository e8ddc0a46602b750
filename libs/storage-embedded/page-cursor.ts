import { createHash } from 'node:crypto';
import { CursorInvalidError } from '#libs/storage';

// A cursor names the last item of a page, not a count of items: what comes or goes meanwhile moves nothing.

/** Says where the next page of `query` starts. `query`: whatever makes it another query. */
export function cursorAfter(query: unknown, place: readonly (string | number)[]): string {
  return Buffer.from(JSON.stringify([fingerprintOf(query), ...place])).toString('base64url');
}

/**
 * The place that {@link cursorAfter} was given.
 *
 * @param shape a place of the same query, for the types of its parts
 * @throws CursorInvalidError
 */
export function placeOf<T extends readonly (string | number)[]>(cursor: string, query: unknown, shape: T): T {
  const [fingerprint, ...place] = partsOf(cursor);
  const fits = place.length === shape.length && place.every((part, i) => typeof part === typeof shape[i]);
  if (fingerprint !== fingerprintOf(query) || !fits) throw new CursorInvalidError(cursor);
  return place as unknown as T;
}

function partsOf(cursor: string): readonly unknown[] {
  try {
    const bytes = Buffer.from(cursor, 'base64url');
    // Node's decoder passes over what it does not know.
    if (bytes.toString('base64url') !== cursor) return [];
    const parts: unknown = JSON.parse(bytes.toString('utf8'));
    return Array.isArray(parts) ? parts : [];
  } catch {
    return [];
  }
}

function fingerprintOf(query: unknown): string {
  return createHash('sha256').update(JSON.stringify(query)).digest('base64url').slice(0, 12);
}
