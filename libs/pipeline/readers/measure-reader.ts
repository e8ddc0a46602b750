import { count, distinct, type MeasureDefinition, quantiles, sum } from '#libs/windowing';
import type { NameKind, Scope } from '../expression/expression.js';
import { wantedName } from '../settings/near-name.js';
import type { ProblemLog } from '../settings/problem-log.js';
import { fieldReader, predicateReader } from './scope-reader.js';
import type { Setting } from '../settings/setting.js';
import { distinctReader, listReader, MapReader, numberReader } from '../settings/setting-reader.js';

/** A measure without its name, and what its result looks like to an expression of an alert. */
export interface ReadMeasure extends Omit<MeasureDefinition, 'name'> {
  readonly result: NameKind;
}

/** How one kind of measure is read; its key names it in the file. A new aggregator is one more entry. */
interface MeasureKind {
  readonly options: readonly string[];
  read(measure: MapReader, scope: Scope): ReadMeasure | undefined;
}

const MEASURES: Readonly<Record<string, MeasureKind>> = {
  count: {
    options: [],
    read: (measure, scope) => {
      const where = measure.required('count', predicateReader(scope));
      return where && { aggregator: count(), where, result: 'number' };
    },
  },
  sum: {
    options: [],
    read: (measure, scope) => {
      const field = measure.required('sum', fieldReader(scope, ['number']));
      return field === undefined
        ? undefined
        : { aggregator: sum(), value: (data) => data[field], result: 'number' };
    },
  },
  distinct: {
    options: [],
    read: (measure, scope) => {
      const field = measure.required('distinct', fieldReader(scope));
      const result = { numbers: ['estimate', 'standardError'] };
      return field === undefined
        ? undefined
        : { aggregator: distinct(), value: (data) => data[field], result };
    },
  },
  quantiles: {
    options: ['of'],
    read: (measure, scope) => {
      const share = numberReader('a number from 0 to 1', (value) => value >= 0 && value <= 1);
      const list = listReader(
        distinctReader(share, (value) => value),
        'a list of numbers from 0 to 1',
        1,
      );
      const shares = measure.required('quantiles', list);
      const field = measure.required('of', fieldReader(scope, ['number']));
      if (shares === undefined || shares.length === 0 || field === undefined) return undefined;
      const aggregator = quantiles(shares);
      return { aggregator, value: (data) => data[field], result: { numbers: quantileNames(shares) } };
    },
  },
};

const LATER_MEASURES = [
  'top',
  'first',
  'last',
  'min',
  'max',
  'mean',
  'variance',
  'rate',
  'histogram',
  'quantile',
  'duration',
];

/** As the aggregator itself names them: asked with one value, since without any it has no result. */
function quantileNames(shares: readonly number[]): readonly string[] {
  const aggregator = quantiles(shares);
  const state = aggregator.create();
  aggregator.add(state, 1, { id: '', stream: '', timeMs: 0, receivedMs: 0, type: '', data: {} });
  return Object.keys(aggregator.result(state) ?? {});
}

/** `count`, or a map whose key is a kind of measure. */
export function readMeasure(setting: Setting, scope: Scope, log: ProblemLog): ReadMeasure | undefined {
  const kinds = Object.keys(MEASURES);
  if (setting.kind === 'scalar') {
    if (setting.value === 'count') return { aggregator: count(), result: 'number' };
    const isLater = LATER_MEASURES.includes(String(setting.value));
    return log.refuse(
      setting,
      isLater
        ? `${kinds.join(', ')}: this one is not supported in this version`
        : `count, or a map with ${wantedName(String(setting.value), kinds)}`,
    );
  }
  const measure = MapReader.ofKind(setting, log, { kinds: MEASURES, later: LATER_MEASURES });
  return measure && MEASURES[measure.kind]?.read(measure.map, scope);
}
