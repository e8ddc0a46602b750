import { type AlertCondition, DEFAULT_ABSENCE_WITHIN_MS, DEFAULT_PATTERN_QUIET_MS } from '#libs/alerting';
import { isJsonObject, type JsonObject, type JsonValue } from '#libs/kernel';
import type { SeriesDefinition } from '#libs/windowing';
import type { Scope } from '../../expression/expression.js';
import type { ProblemLog } from '../../settings/problem-log.js';
import type { Setting } from '../../settings/setting.js';
import {
  choiceReader,
  distinctReader,
  durationReader,
  listReader,
  type MapReader,
  numberReader,
  type Reader,
  textReader,
} from '../../settings/setting-reader.js';
import { fieldReader, predicateReader, quantityReader } from '../scope-reader.js';
import type { ReadSeries } from '../series-reader.js';
import { readNumber, seriesReader, textOf, wholeReader } from './alert-setting-readers.js';

/** What rules may name: the series of the pipeline, and the fields of its events. */
export interface AlertScope {
  readonly series: readonly ReadSeries[];
  readonly fields: Scope;
}

/** What a kind of rule judges by, and where. */
export interface ReadCondition {
  readonly condition: AlertCondition;
  /** Absent: it judges events. */
  readonly series?: ReadSeries;
  /** For kinds that compare with earlier windows. */
  readonly everyMs?: number;
  /** What the kind itself makes of silence. */
  readonly silence?: { readonly noData: 'ok' | 'breach'; readonly noDataAfterMs: number };
}

/** How one kind of rule is read; its key names it in the file. A new kind is one more entry. */
interface AlertKindReader {
  readonly options: readonly string[];
  readonly read: (map: MapReader, scope: AlertScope, log: ProblemLog) => ReadCondition | undefined;
}

/** More earlier windows than this would be much to keep for every key. */
const MAX_WINDOWS_BACK = 2_000;
const MAX_SPIKE_WINDOWS = 1_000;
const DEFAULT_SPIKE_WINDOWS = 30;
const DEFAULT_DEVIATIONS = 3;
const MAX_TIMES = 1_000;

const TOWARDS = ['up', 'down', 'both'] as const;

const NOTHING_READ = (): undefined => undefined;

export const ALERT_KINDS: Readonly<Record<string, AlertKindReader>> = {
  threshold: {
    options: ['series', 'value', 'above', 'below'],
    read: (map, scope, log) => {
      const limit = readLimit(map, log, readNumber);
      const series = map.required('series', seriesReader(scope.series));
      const value = readValue(map, 'value', series);
      if (series === undefined || value === undefined || limit === undefined) return undefined;
      return { series, condition: { kind: 'threshold', ...value, ...limit } };
    },
  },
  ratio: {
    options: ['series', 'part', 'whole', 'above', 'below'],
    read: (map, scope, log) => {
      const limit = readLimit(map, log, readNumber);
      const series = map.required('series', seriesReader(scope.series));
      const part = readValue(map, 'part', series);
      const whole = readValue(map, 'whole', series);
      if (series === undefined || part === undefined || whole === undefined || limit === undefined)
        return undefined;
      const expression = `${bracketed(part.expression)} / ${bracketed(whole.expression)}`;
      const value = (measures: JsonObject): number | undefined =>
        dividedBy(part.value(measures), whole.value(measures));
      return { series, condition: { kind: 'ratio', expression, value, ...limit } };
    },
  },
  change: {
    options: ['series', 'value', 'against', 'above', 'below'],
    read: (map, scope, log) => {
      const limit = readLimit(map, log, readChangeLimit);
      const series = map.required('series', seriesReader(scope.series));
      const value = readValue(map, 'value', series);
      const everyMs = series && stepOf(series.definition, map, log);
      const againstMs = map.required('against', againstReader(everyMs));
      if (everyMs === undefined || againstMs === undefined || series === undefined) return undefined;
      if (value === undefined || limit === undefined) return undefined;
      const {
        direction,
        limit: { value: number, unit },
      } = limit;
      const compared = { direction, limit: number, againstMs, unit };
      return { series, everyMs, condition: { kind: 'change', ...value, ...compared } };
    },
  },
  spike: {
    options: ['series', 'value', 'over', 'deviations', 'towards', 'leastWindows'],
    read: (map, scope, log) => {
      const series = map.required('series', seriesReader(scope.series));
      const value = readValue(map, 'value', series);
      const overWindows = map.optional('over', wholeReader(2, MAX_SPIKE_WINDOWS), DEFAULT_SPIKE_WINDOWS);
      const least = wholeReader(2, overWindows);
      const leastWindows = map.optional('leastWindows', least, Math.max(2, Math.ceil(overWindows / 2)));
      const limit = map.optional('deviations', positive, DEFAULT_DEVIATIONS);
      const towards = map.optional('towards', choiceReader(TOWARDS), 'up' as const);
      const everyMs = series && stepOf(series.definition, map, log);
      if (series === undefined || value === undefined || everyMs === undefined) return undefined;
      const compared = { direction: 'above', limit, overWindows, leastWindows, towards } as const;
      return { series, everyMs, condition: { kind: 'spike', ...value, ...compared } };
    },
  },
  absence: {
    options: ['series', 'after', 'within'],
    read: (map, scope) => {
      const series = map.required('series', seriesReader(scope.series));
      const afterMs = map.required('after', durationReader(1));
      const withinMs = map.optional('within', durationReader(1), DEFAULT_ABSENCE_WITHIN_MS);
      if (series === undefined || afterMs === undefined) return undefined;
      const nothing = { expression: 'rows', value: () => 0, direction: 'below', limit: 1 } as const;
      return {
        series,
        condition: { kind: 'absence', ...nothing, afterMs, withinMs },
        silence: { noData: 'breach', noDataAfterMs: afterMs },
      };
    },
  },
  pattern: {
    options: ['where', 'by', 'times', 'within', 'quiet'],
    read: (map, scope) => {
      const where = map.required('where', predicateReader(scope.fields));
      const field = distinctReader(fieldReader(scope.fields), (name) => name);
      const by = map.optional('by', listReader(field, 'a list of fields'), []);
      const times = map.optional('times', wholeReader(1, MAX_TIMES), 1);
      const withinMs = map.optional('within', durationReader(1), 60_000);
      const noDataAfterMs = map.optional('quiet', durationReader(1), DEFAULT_PATTERN_QUIET_MS);
      if (where === undefined) return undefined;
      const expression = textOf(map.member('where'));
      const counted = { expression, value: NOTHING_READ, direction: 'above', limit: times - 1 } as const;
      return {
        condition: { kind: 'pattern', ...counted, where, by, times, withinMs },
        silence: { noData: 'ok', noDataAfterMs },
      };
    },
  },
  custom: {
    options: ['series', 'class', 'options', 'above', 'below'],
    read: (map, scope, log) => {
      const series = map.required('series', seriesReader(scope.series));
      const className = map.required('class', textReader('the name of a class, a-z, 0-9 and -', CLASS_NAME));
      const options = map.optional('options', readOptions, {});
      const hasLimit = map.has('above') || map.has('below');
      const limit = hasLimit ? readLimit(map, log, readNumber) : { direction: 'above' as const, limit: 0 };
      if (series === undefined || className === undefined || limit === undefined) return undefined;
      const everyMs = windowStepMs(series.definition);
      const judged = { expression: className, value: NOTHING_READ, className, options, ...limit };
      return {
        series,
        condition: { kind: 'custom', ...judged },
        ...(everyMs === undefined ? {} : { everyMs }),
      };
    },
  },
};

const CLASS_NAME = /^[A-Za-z][A-Za-z0-9-]{0,62}$/;
const positive = numberReader('a number above 0', (value) => value > 0);

function bracketed(expression: string): string {
  return /^[\w.]+$/.test(expression) ? expression : `(${expression})`;
}

function dividedBy(part: number | undefined, whole: number | undefined): number | undefined {
  return part === undefined || whole === undefined || whole === 0 ? undefined : part / whole;
}

function readLimit<T>(
  map: MapReader,
  log: ProblemLog,
  reader: Reader<T>,
): { readonly direction: 'above' | 'below'; readonly limit: T } | undefined {
  const given = (['above', 'below'] as const).filter((direction) => map.has(direction));
  const [direction] = given;
  if (given.length !== 1 || direction === undefined) return log.refuse(map.setting, 'either above or below');
  const limit = map.required(direction, reader);
  return limit === undefined ? undefined : { direction, limit };
}

function readValue(
  map: MapReader,
  name: string,
  series: ReadSeries | undefined,
): { readonly expression: string; readonly value: (measures: JsonObject) => number | undefined } | undefined {
  // Without the series nothing is known of its measures: then only look that there is a value.
  const value = map.required(name, series === undefined ? NOTHING_READ : quantityReader(series.results));
  return value && { expression: textOf(map.member(name)), value };
}

/** `50` of what is measured, or `50%` of the earlier value. */
const readChangeLimit: Reader<{ readonly value: number; readonly unit: 'absolute' | 'percent' }> = (
  setting,
  log,
) => {
  const share = /^(-?\d+(?:\.\d+)?)\s*%$/.exec(textOf(setting))?.[1];
  if (share !== undefined) return { value: Number(share), unit: 'percent' };
  const value = setting.kind === 'scalar' ? setting.value : undefined;
  return typeof value === 'number' && Number.isFinite(value)
    ? { value, unit: 'absolute' }
    : log.refuse(setting, 'a number, or a percentage such as 50%');
};

function windowStepMs({ window }: SeriesDefinition): number | undefined {
  if (window.kind === 'tumbling') return window.sizeMs;
  return window.kind === 'hopping' ? window.everyMs : undefined;
}

function stepOf(series: SeriesDefinition, map: MapReader, log: ProblemLog): number | undefined {
  const member = map.member('series') ?? map.setting;
  return (
    windowStepMs(series) ??
    log.refuse(member, 'a series of tumbling or hopping windows, which have earlier ones')
  );
}

function againstReader(everyMs: number | undefined): Reader<number> {
  return (setting, log) => {
    const againstMs = durationReader(1)(setting, log);
    if (againstMs === undefined || everyMs === undefined) return againstMs;
    const windows = againstMs / everyMs;
    if (Number.isInteger(windows) && windows <= MAX_WINDOWS_BACK) return againstMs;
    return log.refuse(
      setting,
      `a multiple of the windows of the series, at most ${MAX_WINDOWS_BACK} of them`,
    );
  };
}

const readOptions: Reader<JsonObject> = (setting, log) => {
  const value = jsonOf(setting);
  return isJsonObject(value) ? value : log.refuse(setting, 'a map of options');
};

function jsonOf(setting: Setting): JsonValue {
  if (setting.kind === 'scalar') return setting.value;
  if (setting.kind === 'list') return setting.items.map(jsonOf);
  if (setting.kind === 'refused') return null;
  return Object.fromEntries([...setting.entries].map(([name, { value }]) => [name, jsonOf(value)]));
}
