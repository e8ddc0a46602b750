import { createHash } from 'node:crypto';
import type { DocumentQuery } from './document-store.js';
import type { RowQuery } from './result-store.js';
import { CursorInvalidError } from './storage.errors.js';

/** The most items of one page. */
const MAX_LIMIT = 10_000;

/** @throws RangeError outside 1 to 10,000 */
export function assertLimit(limit: number): void {
  if (!Number.isInteger(limit) || limit < 1 || limit > MAX_LIMIT) {
    throw new RangeError(`limit is ${limit}, wanted 1 to ${MAX_LIMIT}`);
  }
}

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

/** What makes a query of rows another query; its cursors are good for no other. */
export function identityOfRowQuery({
  pipeline,
  series,
  stream,
  fromMs,
  toMs,
  key,
  order,
}: RowQuery): unknown {
  const span = [fromMs ?? null, toMs ?? null];
  return ['rows', pipeline, series, stream ?? null, ...span, sortedEntries(key), order ?? 'ascending'];
}

/** What makes a query of documents another query. */
export function identityOfDocumentQuery({ collection, where, fromMs, toMs, order }: DocumentQuery): unknown {
  return ['documents', collection, sortedEntries(where), fromMs ?? null, toMs ?? null, order ?? 'ascending'];
}

function sortedEntries(fields: object | undefined): unknown {
  return Object.entries(fields ?? {}).sort(([a], [b]) => (a < b ? -1 : 1));
}

function fingerprintOf(query: unknown): string {
  return createHash('sha256').update(JSON.stringify(query)).digest('base64url').slice(0, 12);
}
