import { CursorInvalidError } from '#libs/storage';

type Place = readonly (string | number)[];

export function comparePlaces(a: Place, b: Place): number {
  for (const [i, part] of a.entries()) {
    const other = b[i]!;
    if (part !== other) return part < other ? -1 : 1;
  }
  return 0;
}

/**
 * One page of what was found.
 *
 * @param found everything that the query asks for
 * @param placeOf what it is ordered by; unique
 * @throws CursorInvalidError
 */
export function pageOf<T>(
  found: readonly T[],
  query: { readonly limit: number; readonly cursor?: string; readonly order?: 'ascending' | 'descending' },
  placeOf: (one: T) => Place,
): { readonly items: readonly T[]; readonly nextCursor?: string } {
  const { limit, cursor, ...identity } = query;
  const direction = query.order === 'descending' ? -1 : 1;
  const after = cursor === undefined ? undefined : decode(cursor, identity);
  const items = found
    .toSorted((a, b) => comparePlaces(placeOf(a), placeOf(b)) * direction)
    .filter((one) => after === undefined || comparePlaces(placeOf(one), after) * direction > 0);
  const last = items[limit - 1];
  if (last === undefined || items.length <= limit) return { items };
  return {
    items: items.slice(0, limit),
    nextCursor: JSON.stringify([JSON.stringify(identity), placeOf(last)]),
  };
}

function decode(cursor: string, identity: object): Place {
  try {
    const [query, place] = JSON.parse(cursor) as [string, Place];
    if (query === JSON.stringify(identity)) return place;
  } catch {
    // Not one of ours.
  }
  throw new CursorInvalidError(cursor);
}
