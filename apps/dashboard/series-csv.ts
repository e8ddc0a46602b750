import type { JsonObject, JsonValue } from '#libs/kernel';
import { isJsonObject } from '#libs/kernel';
import type { RowView } from './series-reader.js';

/**
 * Rows as CSV (RFC 4180): a header line, then a line a row. Nested measures become columns with dots, lists stay
 * JSON in one column; the columns are those of all rows, in the order in which they first appear.
 */
export function csvOf(rows: readonly RowView[]): string {
  const flat = rows.map(flatRow);
  const keys = columnsOf(flat.map((row) => row.key));
  const measures = columnsOf(flat.map((row) => row.measures));
  const header = ['windowStart', 'windowEnd', 'stream', ...keys, ...measures, 'revision', 'phase'];
  const lines = flat.map(({ row, key, measures: values }) => [
    row.windowStart,
    row.windowEnd,
    row.stream,
    ...keys.map((column) => key.get(column)),
    ...measures.map((column) => values.get(column)),
    row.revision,
    row.phase,
  ]);
  return [header, ...lines].map((line) => `${line.map(csvField).join(',')}\r\n`).join('');
}

interface FlatRow {
  readonly row: RowView;
  readonly key: ReadonlyMap<string, JsonValue>;
  readonly measures: ReadonlyMap<string, JsonValue>;
}

function flatRow(row: RowView): FlatRow {
  return { row, key: flatten(row.key, 'key.'), measures: flatten(row.measures, '') };
}

function flatten(
  object: JsonObject,
  prefix: string,
  into = new Map<string, JsonValue>(),
): Map<string, JsonValue> {
  for (const [name, value] of Object.entries(object)) {
    if (isJsonObject(value)) flatten(value, `${prefix}${name}.`, into);
    else if (value !== undefined) into.set(`${prefix}${name}`, value);
  }
  return into;
}

function columnsOf(rows: readonly ReadonlyMap<string, JsonValue>[]): readonly string[] {
  const columns = [...new Set(rows.flatMap((row) => [...row.keys()]))];
  // A measure that was null in one row and an object in another would else have both `duration` and `duration.p50`.
  return columns.filter((column) => !columns.some((other) => other.startsWith(`${column}.`)));
}

function csvField(value: JsonValue | undefined): string {
  if (value === undefined || value === null) return '';
  const text = typeof value === 'object' ? JSON.stringify(value) : String(value);
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
