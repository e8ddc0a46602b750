import { isRecord, type LookupRecord } from './lookup-source.js';

/**
 * The rows of a file by their key: `.csv` with a header line (RFC 4180), `.ndjson`, `.json` as an array of objects or as an
 * object of objects by key. Of rows with the same key the last stands.
 *
 * @throws TypeError that says where it is wrong
 */
export function readRows(path: string, key: string, bytes: Buffer): ReadonlyMap<string, LookupRecord> {
  const text = bytes.toString('utf8').replace(/^\uFEFF/, '');
  if (/\.csv$/i.test(path)) return byKey(csvRows(text), key);
  if (/\.ndjson$/i.test(path)) return byKey(jsonLines(text), key);
  const value: unknown = JSON.parse(text);
  if (Array.isArray(value)) return byKey(value, key);
  if (!isRecord(value)) throw new TypeError('it must be an array of objects, or an object of objects by key');
  const rows = new Map<string, LookupRecord>();
  for (const [name, row] of Object.entries(value)) {
    if (!isRecord(row)) throw new TypeError(`what it has of ${name} is no object`);
    rows.set(name, row);
  }
  return rows;
}

function byKey(rows: Iterable<unknown>, key: string): ReadonlyMap<string, LookupRecord> {
  const records = new Map<string, LookupRecord>();
  let number = 0;
  for (const row of rows) {
    number++;
    const value = isRecord(row) ? row[key] : undefined;
    if (!isRecord(row) || (typeof value !== 'string' && typeof value !== 'number'))
      throw new TypeError(`row ${number} has no ${key}${fieldsOf(row)}`);
    records.set(String(value), row);
  }
  return records;
}

const MAX_SHOWN_FIELDS = 10;

/** What the row has instead: a header with other names, or between other signs. */
function fieldsOf(row: unknown): string {
  if (!isRecord(row)) return '';
  const names = Object.keys(row).slice(0, MAX_SHOWN_FIELDS);
  return names.length === 0 ? '' : `; it has ${names.join(', ')}`;
}

function jsonLines(text: string): readonly unknown[] {
  return text.split(/\r?\n/).flatMap((line, index) => {
    if (line.trim() === '') return [];
    try {
      return [JSON.parse(line) as unknown];
    } catch (error) {
      throw new TypeError(`line ${index + 1}: ${(error as Error).message}`, { cause: error });
    }
  });
}

function csvRows(text: string): readonly LookupRecord[] {
  const [names, ...rows] = csvCells(text);
  if (names === undefined) throw new TypeError('it has no header line');
  const header = names.map((name) => name.trim());
  return rows.map((cells, index) => {
    if (cells.length !== header.length)
      throw new TypeError(`row ${index + 1} has ${cells.length} cells, the header ${header.length}`);
    return Object.fromEntries(header.map((name, column) => [name, cells[column] ?? '']));
  });
}

/** Quoted cells may hold commas, line breaks, and quotes written twice. A line ends with `\n`, `\r\n` or `\r`. */
function csvCells(text: string): readonly (readonly string[])[] {
  const rows: string[][] = [];
  let row: string[] = [];
  for (let at = 0; at < text.length;) {
    const { value, end } = text[at] === '"' ? quotedCell(text, at) : plainCell(text, at);
    row.push(value);
    if (text[end] === ',') {
      at = end + 1;
      if (at === text.length) row.push('');
      continue;
    }
    const isBlank = row.length === 1 && value === '' && text[at] !== '"';
    if (!isBlank) rows.push(row);
    row = [];
    at = text.startsWith('\r\n', end) ? end + 2 : end + 1;
  }
  if (row.length > 0) rows.push(row);
  return rows;
}

interface Cell {
  readonly value: string;
  readonly end: number;
}

function plainCell(text: string, at: number): Cell {
  let end = at;
  while (end < text.length && text[end] !== ',' && !isLineEnd(text, end)) end++;
  return { value: text.slice(at, end), end };
}

function isLineEnd(text: string, at: number): boolean {
  return text[at] === '\n' || text[at] === '\r';
}

function quotedCell(text: string, at: number): Cell {
  let end = text.indexOf('"', at + 1);
  while (end >= 0 && text[end + 1] === '"') end = text.indexOf('"', end + 2);
  if (end < 0) throw new TypeError(`the quote at character ${at + 1} never closes`);
  if (end + 1 < text.length && text[end + 1] !== ',' && !isLineEnd(text, end + 1))
    throw new TypeError(`a comma or the end of the line must follow the quote at character ${end + 1}`);
  return { value: text.slice(at + 1, end).replaceAll('""', '"'), end: end + 1 };
}
