import { keyText } from './key-text.js';
import type { ResultRow, RowQuery } from './result-store.js';

/** Where a row stands in the order of a query: window start, stream, key; the end makes it unique. */
export type RowPlace = readonly [windowStartMs: number, stream: string, key: string, windowEndMs: number];

export interface PlacedRow {
  readonly place: RowPlace;
  readonly row: ResultRow;
  readonly provisional: boolean;
}

/** A place, for the types of its parts. */
export const ROW_PLACE_SHAPE: RowPlace = [0, '', '', 0];

export function placeOfRow(row: ResultRow): RowPlace {
  const key = JSON.stringify(Object.entries(row.key).sort(([a], [b]) => (a < b ? -1 : 1)));
  return [row.windowStartMs, keyText(row.stream), keyText(key), row.windowEndMs];
}

/** In the order of a query. All texts are ASCII, so that this is the order of the table as well. */
export function comparePlaces(a: RowPlace, b: RowPlace): number {
  return a[0] - b[0] || compareTexts(a[1], b[1]) || compareTexts(a[2], b[2]) || a[3] - b[3];
}

function compareTexts(a: string, b: string): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}

/** Is it a row that the query asks for, wherever it stands. */
export function isWanted(row: ResultRow, query: RowQuery): boolean {
  return (
    row.windowStartMs >= (query.fromMs ?? -Infinity) &&
    row.windowStartMs < (query.toMs ?? Infinity) &&
    (query.stream === undefined || row.stream === query.stream) &&
    Object.entries(query.key ?? {}).every(
      ([name, value]) => name in row.key && String(row.key[name]) === value,
    )
  );
}
