import {
  type AnyAggregator,
  collect,
  count,
  distinct,
  duration,
  first,
  histogram,
  last,
  max,
  mean,
  type MeasureDefinition,
  min,
  quantiles,
  rate,
  stddev,
  sum,
  topK,
  variance,
} from '#libs/windowing';
import type { NameKind, Scope } from '../expression/expression.js';
import { fieldReader, predicateReader } from './scope-reader.js';
import type { Setting } from '../settings/setting.js';
import {
  distinctReader,
  listReader,
  type MapReader,
  numberReader,
  type Reader,
} from '../settings/setting-reader.js';

/** A measure without its name, and what its result looks like to an expression of an alert. */
export interface ReadMeasure extends Omit<MeasureDefinition, 'name'> {
  readonly result: NameKind;
}

/** How one kind of measure is read; its key names it in the file. A new aggregator is one more entry. */
interface MeasureKind {
  readonly options: readonly string[];
  read(measure: MapReader, scope: Scope): ReadMeasure | undefined;
}

/** Bounds of the aggregators themselves, told here with the place in the file. */
const MAX_TOP = 100;
const MAX_COLLECTED = 500;
const MIN_BOUNDS = 2;
const MAX_BOUNDS = 200;

/** Measures that are a word alone: they look at no field. */
export const PLAIN_MEASURES: Readonly<Record<string, () => ReadMeasure>> = {
  count: () => ({ aggregator: count(), result: 'number' }),
  duration: () => ({ aggregator: duration(), result: 'number' }),
  rate: () => ({ aggregator: rate(), result: 'number' }),
};

/** Measures that are a map with a key of that name. */
export const MEASURES: Readonly<Record<string, MeasureKind>> = {
  count: {
    options: [],
    read: (measure, scope) => {
      const where = measure.required('count', predicateReader(scope));
      return where && { aggregator: count(), where, result: 'number' };
    },
  },
  sum: ofNumbers('sum', sum),
  min: ofNumbers('min', min),
  max: ofNumbers('max', max),
  mean: ofNumbers('mean', mean),
  variance: ofNumbers('variance', variance),
  stddev: ofNumbers('stddev', stddev),
  rate: ofNumbers('rate', () => rate('sum')),
  first: ofAny('first', first),
  last: ofAny('last', last),
  distinct: {
    options: [],
    read: (measure, scope) => {
      const field = measure.required('distinct', fieldReader(scope));
      return ofField(field, distinct(), { numbers: ['estimate', 'standardError'] });
    },
  },
  quantiles: {
    options: ['of'],
    read: (measure, scope) => {
      const shares = measure.required('quantiles', readShares);
      const field = measure.required('of', fieldReader(scope, ['number']));
      if (shares === undefined || shares.length === 0) return undefined;
      return ofField(field, quantiles(shares), { numbers: quantileNames(shares) });
    },
  },
  top: {
    options: ['of'],
    read: (measure, scope) => {
      const limit = measure.required('top', wholeReader(MAX_TOP));
      const field = measure.required('of', fieldReader(scope));
      return limit === undefined ? undefined : ofField(field, topK(limit), { numbers: ['maxError'] });
    },
  },
  histogram: {
    options: ['of'],
    read: (measure, scope) => {
      const bounds = measure.required('histogram', readBounds);
      const field = measure.required('of', fieldReader(scope, ['number']));
      if (bounds === undefined) return undefined;
      return ofField(field, histogram(bounds), { numbers: ['under', 'over', 'total'] });
    },
  },
  collect: {
    options: ['limit'],
    read: (measure, scope) => {
      const field = measure.required('collect', fieldReader(scope));
      const limit = measure.optional('limit', wholeReader(MAX_COLLECTED), undefined);
      // A refused limit is a problem already: the default stands in for it.
      return ofField(field, collect(limit === undefined ? {} : { limit }), { numbers: ['omitted'] });
    },
  },
};

/** A measure that is one number made of a field of numbers. */
function ofNumbers(name: string, make: () => AnyAggregator): MeasureKind {
  return {
    options: [],
    read: (measure, scope) =>
      ofField(measure.required(name, fieldReader(scope, ['number'])), make(), 'number'),
  };
}

/** A measure that is one value of a field. */
function ofAny(name: string, make: () => AnyAggregator): MeasureKind {
  return {
    options: [],
    read: (measure, scope) => {
      const field = measure.required(name, fieldReader(scope));
      return ofField(field, make(), scope.get(field ?? '') ?? 'string');
    },
  };
}

function ofField(
  field: string | undefined,
  aggregator: AnyAggregator,
  result: NameKind,
): ReadMeasure | undefined {
  return field === undefined ? undefined : { aggregator, value: (data) => data[field], result };
}

function wholeReader(most: number): Reader<number> {
  return numberReader(
    `a whole number from 1 to ${most}`,
    (value) => Number.isInteger(value) && value >= 1 && value <= most,
  );
}

const readShares: Reader<readonly number[]> = (setting, log) => {
  const share = numberReader('a number from 0 to 1', (value) => value >= 0 && value <= 1);
  const each = distinctReader(share, (value) => value);
  return listReader(each, 'a list of numbers from 0 to 1', 1)(setting, log);
};

/** Each has to be above the one before, and is refused in its own place. */
const readBounds: Reader<readonly number[]> = (setting, log) => {
  let former = -Infinity;
  const bound: Reader<number> = (each, problems) => {
    const wanted = former === -Infinity ? 'a number' : `a number above ${former}, the bound before it`;
    const value = numberReader(wanted, (found) => Number.isFinite(found) && found > former)(each, problems);
    if (value !== undefined) former = value;
    return value;
  };
  const wanted = `a list of ${MIN_BOUNDS} to ${MAX_BOUNDS} ascending numbers`;
  if (itemsOf(setting) > MAX_BOUNDS) return log.refuse(setting, wanted);
  const bounds = listReader(bound, wanted, MIN_BOUNDS)(setting, log);
  return bounds !== undefined && bounds.length === itemsOf(setting) ? bounds : undefined;
};

function itemsOf(setting: Setting): number {
  return setting.kind === 'list' ? setting.items.length : 0;
}

/** As the aggregator itself names them: asked with one value, since without any it has no result. */
function quantileNames(shares: readonly number[]): readonly string[] {
  const aggregator = quantiles(shares);
  const state = aggregator.create();
  aggregator.add(state, 1, { id: '', stream: '', timeMs: 0, receivedMs: 0, type: '', data: {} });
  return Object.keys(aggregator.result(state) ?? {});
}
