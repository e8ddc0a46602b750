import type { Document, IndexDescription } from 'mongodb';
import { NAMES } from '../collection-names.js';
import type { MongodbConnection } from '../mongodb-connection.js';
import {
  type Granularity,
  type SeriesLayout,
  type SeriesRecord,
  seriesRecord,
} from '../rows/series-layout.js';
import {
  FIXED_COLLECTIONS,
  SETUP_VERSION,
  type WantedCollection,
  wantedSeriesCollection,
} from './create-collections.js';

/** One thing that is to be done, or that nobody can do. */
export type StorageStep =
  | {
      readonly kind: 'create-collection';
      readonly collection: WantedCollection;
      readonly series?: SeriesRecord;
    }
  | { readonly kind: 'create-index'; readonly collection: string; readonly index: IndexDescription }
  | {
      readonly kind: 'set-retention';
      readonly series: SeriesRecord;
      readonly retentionSeconds: number | null;
    }
  | { readonly kind: 'set-granularity'; readonly series: SeriesRecord; readonly granularity: Granularity }
  | { readonly kind: 'add-keys'; readonly series: SeriesRecord; readonly keys: readonly string[] }
  | { readonly kind: 'set-version'; readonly from: number | undefined; readonly to: number }
  /** Kept as it is: rows are there already. */
  | { readonly kind: 'keep'; readonly series: SeriesRecord; readonly problem: string }
  /** Made by a newer program: this one must not touch it. */
  | { readonly kind: 'newer'; readonly found: number; readonly known: number };

/** What there is. */
interface FoundStorage {
  readonly version: number | undefined;
  readonly collections: ReadonlyMap<string, Document>;
  readonly indexes: ReadonlyMap<string, ReadonlySet<string>>;
  readonly series: ReadonlyMap<string, SeriesRecord>;
}

/** What is missing or different, in the order in which it is done. Changes nothing. */
export async function planStorage(
  connection: MongodbConnection,
  layouts: readonly SeriesLayout[],
): Promise<readonly StorageStep[]> {
  const found = await connection.call('reading the set-up', () => findStorage(connection));
  if (found.version !== undefined && found.version > SETUP_VERSION)
    return [{ kind: 'newer', found: found.version, known: SETUP_VERSION }];
  const steps = [
    ...FIXED_COLLECTIONS.flatMap((wanted) => collectionSteps(wanted, found)),
    ...layouts.flatMap((layout) => seriesSteps(seriesRecord(layout), found)),
  ];
  const { version } = found;
  return version === SETUP_VERSION
    ? steps
    : [...steps, { kind: 'set-version', from: version, to: SETUP_VERSION }];
}

/** A step in a line. */
export function describeStep(step: StorageStep): string {
  switch (step.kind) {
    case 'create-collection':
      return `create collection ${step.collection.name}${describeOptions(step.collection)}`;
    case 'create-index':
      return `create index '${String(step.index.name)}' on ${step.collection}`;
    case 'set-retention':
      return `keep the rows of ${step.series.collection} ${describeRetention(step.retentionSeconds)}`;
    case 'set-granularity':
      return `change the granularity of ${step.series.collection} from ${step.series.granularity} to ${step.granularity}`;
    case 'add-keys':
      return `note that ${step.series.collection} is asked by ${step.keys.join(', ')}`;
    case 'set-version':
      return `note version ${step.to} of the set-up (was ${step.from ?? 'none'})`;
    case 'keep':
      return `leave ${step.series.collection} as it is: ${step.problem}`;
    case 'newer':
      return `nothing: the set-up is version ${step.found}, of a newer Millrace; this one knows ${step.known}`;
    default:
      return step satisfies never;
  }
}

/** Steps that somebody has to do before an app runs; `keep` is only to be known. */
export function isNeeded(step: StorageStep): boolean {
  return step.kind !== 'keep';
}

function describeRetention(seconds: number | null): string {
  return seconds === null ? 'for ever' : `for ${seconds} s`;
}

function describeOptions({ options: { timeseries, expireAfterSeconds } }: WantedCollection): string {
  if (timeseries === undefined) return '';
  const retention = expireAfterSeconds === undefined ? '' : `, kept for ${expireAfterSeconds} s`;
  return ` (time-series by ${timeseries.granularity ?? 'seconds'}${retention})`;
}

async function findStorage(connection: MongodbConnection): Promise<FoundStorage> {
  const { db } = connection;
  const setup = await db.collection<{ _id: string; version: number }>(NAMES.setup).findOne({ _id: 'setup' });
  const listed = await db.listCollections().toArray();
  const collections = new Map(listed.map((each) => [each.name, each as Document]));
  const names = listed.map(({ name }) => name).filter((name) => !name.startsWith('system.'));
  const indexes = new Map<string, ReadonlySet<string>>();
  // One after the other: a process that starts needs no connection for each collection.
  for (const name of names) {
    const found = await db.collection(name).listIndexes().toArray();
    indexes.set(name, new Set(found.map((index) => String(index['name']))));
  }
  const series = await db.collection<SeriesRecord>(NAMES.series).find().toArray();
  return {
    version: setup?.version,
    collections,
    indexes,
    series: new Map(series.map((each) => [each._id, each])),
  };
}

function collectionSteps(
  wanted: WantedCollection,
  found: FoundStorage,
  series?: SeriesRecord,
): readonly StorageStep[] {
  if (!found.collections.has(wanted.name))
    return [{ kind: 'create-collection', collection: wanted, ...(series === undefined ? {} : { series }) }];
  const present = found.indexes.get(wanted.name);
  return wanted.indexes
    .filter(({ name }) => present?.has(name ?? '') !== true)
    .map((index) => ({ kind: 'create-index', collection: wanted.name, index }) as const);
}

function seriesSteps(wanted: SeriesRecord, found: FoundStorage): readonly StorageStep[] {
  const stored = found.series.get(wanted._id);
  if (stored === undefined) return collectionSteps(wantedSeriesCollection(wanted), found, wanted);
  const missingKeys = wanted.keys.filter((key) => !stored.keys.includes(key));
  const current = { ...stored, keys: [...stored.keys, ...missingKeys] };
  const problem = keptProblem(stored, wanted);
  return [
    ...(problem === undefined ? [] : [{ kind: 'keep', series: stored, problem } as const]),
    ...(missingKeys.length === 0 ? [] : [{ kind: 'add-keys', series: stored, keys: missingKeys } as const]),
    ...collectionSteps(wantedSeriesCollection(current), found, stored),
    ...(isCoarser(wanted, stored)
      ? [{ kind: 'set-granularity', series: stored, granularity: wanted.granularity } as const]
      : []),
    ...(wanted.retentionSeconds === stored.retentionSeconds
      ? []
      : [{ kind: 'set-retention', series: stored, retentionSeconds: wanted.retentionSeconds } as const]),
  ];
}

const GRANULARITIES: readonly Granularity[] = ['seconds', 'minutes', 'hours'];

/** The server makes buckets longer, never shorter. */
function isCoarser(wanted: SeriesRecord, stored: SeriesRecord): boolean {
  if (wanted.mode !== 'time-series' || stored.mode !== 'time-series') return false;
  return GRANULARITIES.indexOf(wanted.granularity) > GRANULARITIES.indexOf(stored.granularity);
}

function keptProblem(stored: SeriesRecord, wanted: SeriesRecord): string | undefined {
  if (stored.mode !== wanted.mode)
    return `it is a ${stored.mode}, wanted a ${wanted.mode}; rename the series to have a new collection`;
  if (stored.hasFewKeys !== wanted.hasFewKeys)
    return `its rows have the key ${stored.hasFewKeys ? 'in' : 'beside'} the meta field, and it can't move`;
  if (GRANULARITIES.indexOf(wanted.granularity) < GRANULARITIES.indexOf(stored.granularity))
    return `its granularity is ${stored.granularity}, wanted ${wanted.granularity}, and can't become finer`;
  return undefined;
}
