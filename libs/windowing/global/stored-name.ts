import type { JsonScalar } from '#libs/kernel';
import type { Key } from '../key.js';
import type { SeriesDefinition } from '../series.js';

/** Whose cells they are. */
export interface CellOwner {
  readonly series: SeriesDefinition;
  readonly stream: string;
}

/**
 * The name under which a cell is stored: the JSON of series, stream, `name`, and the values of its key. Names are asked
 * for with every commit, so each part of them is put together as seldom as can be: {@link nameBegin}, {@link nameEnd}.
 */
export function storedName(owner: CellOwner, name: CellName, key?: Key): string {
  return nameBegin(owner, name) + (key === undefined ? ']' : nameEnd(owner.series, key));
}

/** Tells a cell apart from those of other kinds and times; the first element tells the kinds apart. */
export type CellName = readonly JsonScalar[];

/** All of a name before the values of the key. */
export function nameBegin({ series, stream }: CellOwner, name: CellName): string {
  return JSON.stringify([series.name, stream, ...name]).slice(0, -1);
}

/** The values of the key in a name, and its end. */
export function nameEnd(series: SeriesDefinition, key: Key): string {
  let end = '';
  for (const field of series.by) end += `,${JSON.stringify(key[field] ?? null)}`;
  return `${end}]`;
}
