import type { Document } from 'mongodb';
import {
  comparePlaces,
  cursorAfter,
  identityOfRowQuery,
  isWanted,
  type PlacedRow,
  placeOf,
  ROW_PLACE_SHAPE,
  type RowPage,
  type RowPlace,
  type RowQuery,
} from '#libs/storage';
import { storedName } from '../field-names.js';
import type { SeriesRecord } from './series-layout.js';
import { startRange } from './start-range.js';

// The server sorts by the window's start alone: for that it needs neither memory nor to be done before the first row
// comes (it unpacks buckets in the order of time). Rows of one start are put in order here: there are as many of them
// as a window has keys, which is bounded.

/** Window starts, half-open, that a query or a page of it can still ask for. */
export interface StartSpan {
  readonly fromMs: number;
  readonly toMs: number;
}

/** Where the page begins: behind the place that its cursor names. @throws CursorInvalidError */
export function placeBefore(query: RowQuery): RowPlace | undefined {
  return query.cursor === undefined
    ? undefined
    : placeOf(query.cursor, identityOfRowQuery(query), ROW_PLACE_SHAPE);
}

export function spanOf({ fromMs, toMs, order }: RowQuery, after: RowPlace | undefined): StartSpan {
  const [from, to] = [fromMs ?? -Infinity, toMs ?? Infinity];
  if (after === undefined) return { fromMs: from, toMs: to };
  return order === 'descending'
    ? { fromMs: from, toMs: Math.min(to, after[0] + 1) }
    : { fromMs: Math.max(from, after[0]), toMs: to };
}

/** What a query asks of the collection. The values of users are only ever compared with, never read as operators. */
export function matchOf(query: RowQuery, span: StartSpan, { mode, hasFewKeys }: SeriesRecord): Document {
  const keyPath = mode === 'time-series' && hasFewKeys ? 'meta.key' : 'key';
  const wantedKeys = Object.entries(query.key ?? {}).map(([name, value]) => [
    `${keyPath}.${storedName(name)}`,
    { $in: valuesWrittenAs(value) },
  ]);
  return {
    ...(query.stream === undefined ? {} : { 'meta.stream': { $eq: query.stream } }),
    ...startRange(span.fromMs, span.toMs),
    ...Object.fromEntries(wantedKeys),
  };
}

/** Keys are asked for by their text: `7` is the number 7 or the text "7". */
function valuesWrittenAs(text: string): readonly unknown[] {
  const number = Number(text);
  const values: unknown[] = [text];
  if (text !== '' && String(number) === text) values.push(number);
  if (text === 'true' || text === 'false') values.push(text === 'true');
  if (text === 'null') values.push(null);
  return values;
}

/**
 * One page of rows from sources that each come by start: in order, of each place the newest.
 *
 * @param isNewer of two rows of one place
 */
export async function pageOfRows<T extends PlacedRow>(
  sources: readonly AsyncIterable<T>[],
  query: RowQuery,
  isNewer: (candidate: T, than: T) => boolean,
): Promise<RowPage> {
  const direction = query.order === 'descending' ? -1 : 1;
  const after = placeBefore(query);
  const found: T[] = [];
  for await (const group of groupsByStart(sources, direction)) {
    const newest = newestOf(group, isNewer)
      .filter(({ row }) => isWanted(row, query))
      .filter(({ place }) => after === undefined || comparePlaces(place, after) * direction > 0)
      .sort((a, b) => comparePlaces(a.place, b.place) * direction);
    found.push(...newest);
    // One more than asked for: so there is a next page, after the last one of this.
    if (found.length > query.limit) break;
  }
  const rows = found.slice(0, query.limit).map(({ row, provisional }) => ({ ...row, provisional }));
  const last = found[query.limit - 1];
  if (last === undefined || found.length <= query.limit) return { rows };
  return { rows, nextCursor: cursorAfter(identityOfRowQuery(query), last.place) };
}

function newestOf<T extends PlacedRow>(
  group: readonly T[],
  isNewer: (candidate: T, than: T) => boolean,
): T[] {
  if (group.length === 1) return [...group];
  const newest = new Map<string, T>();
  for (const candidate of group) {
    const id = JSON.stringify(candidate.place);
    const known = newest.get(id);
    if (known === undefined || isNewer(candidate, known)) newest.set(id, candidate);
  }
  return [...newest.values()];
}

/** All rows of one start after all of the start before, whichever source they come from. */
async function* groupsByStart<T extends PlacedRow>(
  sources: readonly AsyncIterable<T>[],
  direction: 1 | -1,
): AsyncGenerator<readonly T[]> {
  const iterators = sources.map((source) => source[Symbol.asyncIterator]());
  try {
    const heads: (T | undefined)[] = [];
    for (const iterator of iterators) heads.push(await nextOf(iterator));
    for (
      let startMs = firstStart(heads, direction);
      startMs !== undefined;
      startMs = firstStart(heads, direction)
    ) {
      const group: T[] = [];
      for (const [i, iterator] of iterators.entries()) {
        for (let head = heads[i]; head?.row.windowStartMs === startMs; head = heads[i]) {
          group.push(head);
          heads[i] = await nextOf(iterator);
        }
      }
      yield group;
    }
  } finally {
    for (const iterator of iterators) await iterator.return?.();
  }
}

async function nextOf<T>(iterator: AsyncIterator<T>): Promise<T | undefined> {
  const { done, value } = await iterator.next();
  return done === true ? undefined : (value as T);
}

function firstStart(heads: readonly (PlacedRow | undefined)[], direction: 1 | -1): number | undefined {
  const starts = heads.flatMap((head) => (head === undefined ? [] : [head.row.windowStartMs]));
  return starts.length === 0 ? undefined : starts.reduce((a, b) => (a * direction <= b * direction ? a : b));
}
