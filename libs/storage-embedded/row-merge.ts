import { comparePlaces, type PlacedRow } from '#libs/storage';

/**
 * Merges sorted sources into one, reading no further than it is read. What has the same place comes together,
 * in the order of the sources.
 *
 * @param direction 1: ascending, -1: descending
 */
export function* mergeRows(sources: readonly Iterable<PlacedRow>[], direction: 1 | -1): Generator<PlacedRow> {
  const iterators = sources.map((source) => source[Symbol.iterator]());
  const heads = iterators.map((iterator) => nextOf(iterator));
  try {
    for (let first = firstOf(heads, direction); first >= 0; first = firstOf(heads, direction)) {
      yield heads[first]!;
      heads[first] = nextOf(iterators[first]!);
    }
  } finally {
    for (const iterator of iterators) iterator.return?.();
  }
}

/** Of the rows of one place the one with the highest revision; of the same revision the committed one. */
export function* newestRows(rows: Iterable<PlacedRow>): Generator<PlacedRow> {
  let newest: PlacedRow | undefined;
  for (const candidate of rows) {
    if (newest === undefined || comparePlaces(newest.place, candidate.place) !== 0) {
      if (newest !== undefined) yield newest;
      newest = candidate;
    } else if (isNewer(candidate, newest)) {
      newest = candidate;
    }
  }
  if (newest !== undefined) yield newest;
}

function isNewer(candidate: PlacedRow, than: PlacedRow): boolean {
  const byRevision = candidate.row.revision - than.row.revision;
  return byRevision > 0 || (byRevision === 0 && than.provisional && !candidate.provisional);
}

function nextOf(iterator: Iterator<PlacedRow>): PlacedRow | undefined {
  const { done, value } = iterator.next();
  return done === true ? undefined : value;
}

function firstOf(heads: readonly (PlacedRow | undefined)[], direction: 1 | -1): number {
  let first = -1;
  heads.forEach((head, i) => {
    if (head === undefined) return;
    if (first < 0 || comparePlaces(head.place, heads[first]!.place) * direction < 0) first = i;
  });
  return first;
}
