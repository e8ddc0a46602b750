import {
  type MeasureDefinition,
  ORDINAL_FIELD,
  type SeriesDefinition,
  type WindowDefinition,
} from '#libs/windowing';
import type { NameKind, Scope } from '../expression/expression.js';
import { readMeasure } from './measure-reader.js';
import type { ProblemLog } from '../settings/problem-log.js';
import { fieldReader, predicateReader } from './scope-reader.js';
import type { Setting } from '../settings/setting.js';
import {
  distinctReader,
  listReader,
  MapReader,
  numberReader,
  textReader,
} from '../settings/setting-reader.js';
import { readWindow } from './window-reader.js';

/** A series, and what the expressions of alerts see of its rows. */
export interface ReadSeries {
  readonly definition: SeriesDefinition;
  readonly results: Scope;
}

const STREAM = 'stream';
const MAX_KEYS = 10_000_000;
const NAME = /^[A-Za-z_][A-Za-z0-9_]{0,62}$/;
const NAME_RULE = 'a name of letters, digits and _, not starting with a digit, at most 63';

export function readAggregate(
  setting: Setting | undefined,
  scope: Scope,
  log: ProblemLog,
): readonly ReadSeries[] {
  if (setting === undefined) return [];
  const named = distinctReader<ReadSeries>(
    (each, problems) => readSeries(each, scope, problems),
    ({ definition }) => definition.name,
  );
  return listReader(named, 'a list of series')(setting, log) ?? [];
}

function readSeries(setting: Setting, scope: Scope, log: ProblemLog): ReadSeries | undefined {
  const series = MapReader.of(
    setting,
    log,
    ['name', 'where', 'window', 'by', 'maxKeys', 'measures'],
    ['mode'],
  );
  if (series === undefined) return undefined;
  const name = series.required('name', textReader(NAME_RULE, NAME));
  const where = series.optional('where', predicateReader(scope), undefined);
  const window = series.required('window', readWindow);
  const key = distinctReader(keyReader(scope), (field) => field);
  const by = series.optional('by', listReader(key, 'a list of fields'), []);
  const maxKeys = series.optional('maxKeys', readMaxKeys, undefined);
  const measures = series.required('measures', (each, problems) => readMeasures(each, scope, problems));
  refuseCapOfSessions(series.member('maxKeys'), window?.window, log);
  if (window?.window.kind === 'global') refuseOfCounts(series, scope, log);
  if (name === undefined || window === undefined || measures === undefined) return undefined;
  const grouped = {
    name,
    ...window,
    by: by.filter((field) => field !== STREAM),
    measures: measures.definitions,
    ...(maxKeys === undefined ? {} : { maxKeys }),
  };
  return { definition: where === undefined ? grouped : { ...grouped, where }, results: measures.results };
}

const readMaxKeys = numberReader(
  `a whole number from 1 to ${MAX_KEYS}`,
  (value) => Number.isInteger(value) && value >= 1 && value <= MAX_KEYS,
);

/** It would be without effect: sessions of different keys share no window. */
function refuseCapOfSessions(
  maxKeys: Setting | undefined,
  window: WindowDefinition | undefined,
  log: ProblemLog,
): void {
  if (maxKeys !== undefined && window?.kind === 'session')
    log.refuse(maxKeys, 'no maxKeys: sessions have no cap on keys');
}

/** What other windows can have, and a counted one can not. */
function refuseOfCounts(series: MapReader, scope: Scope, log: ProblemLog): void {
  refuseRates(series.member('measures'), log);
  if (scope.has(ORDINAL_FIELD)) refuseOrdinal(series.member('by'), log);
}

/** Rows of a counted window have a number of their own in their key, which would take the place of the field. */
function refuseOrdinal(by: Setting | undefined, log: ProblemLog): void {
  if (by?.kind !== 'list') return;
  for (const field of by.items) {
    if (field.kind === 'scalar' && field.value === ORDINAL_FIELD)
      log.refuse(field, 'another field: the rows of a counted window are numbered under this name');
  }
}

/** What is divided by the length of the window would be empty in every row. */
function refuseRates(measures: Setting | undefined, log: ProblemLog): void {
  if (measures?.kind !== 'map') return;
  for (const { value } of measures.entries.values()) {
    const isRate =
      value.kind === 'map' ? value.entries.has('rate') : 'value' in value && value.value === 'rate';
    if (isRate) log.refuse(value, 'another measure: a window of a count has no length, and so no rate');
  }
}

/** A field, or `stream`, which every series is grouped by anyway. */
function keyReader(scope: Scope): ReturnType<typeof fieldReader> {
  return fieldReader(new Map([[STREAM, 'string'], ...scope]));
}

function readMeasures(
  setting: Setting,
  scope: Scope,
  log: ProblemLog,
): { definitions: readonly MeasureDefinition[]; results: Scope } | undefined {
  if (setting.kind !== 'map' || setting.entries.size === 0)
    return log.refuse(setting, 'a map from names to measures');
  const definitions: MeasureDefinition[] = [];
  const results = new Map<string, NameKind>();
  for (const [name, { keyPlace, value }] of setting.entries) {
    if (!NAME.test(name))
      log.report(keyPlace, value.path, { found: `the name '${name}'`, wanted: NAME_RULE });
    const measure = readMeasure(value, scope, log);
    if (measure === undefined) continue;
    const { result, ...definition } = measure;
    definitions.push({ name, ...definition });
    results.set(name, result);
  }
  return { definitions, results };
}
