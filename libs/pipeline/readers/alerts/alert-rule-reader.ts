import {
  ALERT_SEVERITIES,
  type AlertLabels,
  type AlertRule,
  DEFAULT_FLAPPING,
  DEFAULT_MAX_ACTIVE,
  DEFAULT_NO_DATA_AFTER_MS,
  DEFAULT_NOTIFY_WITHIN_MS,
  type FlappingRule,
  NO_DATA_MEANINGS,
  PIPELINE_STALLED,
  type Template,
} from '#libs/alerting';
import { settlingMs } from '#libs/windowing';
import type { ProblemLog } from '../../settings/problem-log.js';
import type { Setting } from '../../settings/setting.js';
import {
  choiceReader,
  durationReader,
  MapReader,
  numberReader,
  type Reader,
  textReader,
} from '../../settings/setting-reader.js';
import type { ReadSeries } from '../series-reader.js';
import { ALERT_KINDS, type AlertScope, type ReadCondition } from './alert-kinds.js';
import { readNumber, readTemplate, textOf, wholeReader } from './alert-setting-readers.js';

const KINDS = Object.keys(ALERT_KINDS);
const RULE_OPTIONS = [
  ...['name', 'severity', 'summary', ...KINDS],
  ...['clear', 'for', 'keepFiringFor', 'windows', 'minSamples', 'warmUp', 'noData', 'noDataAfter'],
  ...['notifyWithin', 'flapping', 'maxActive', 'labels', 'annotations'],
];
/** Of no use to rules that judge events, or silence: they look at no row. */
const ROW_OPTIONS = ['clear', 'windows', 'minSamples', 'warmUp', 'noData', 'noDataAfter'] as const;
const MAX_ACTIVE = 10_000;
const MAX_WINDOWS = 1_000;

/** One rule; undefined: it was refused. */
export function readAlertRule(setting: Setting, scope: AlertScope, log: ProblemLog): AlertRule | undefined {
  const rule = MapReader.of(setting, log, RULE_OPTIONS);
  if (rule === undefined) return undefined;
  const name = rule.required('name', readName);
  const severity = rule.required('severity', choiceReader(ALERT_SEVERITIES));
  const summary = rule.required('summary', readTemplate);
  const timing = readTiming(rule);
  const judged = readKind(rule, scope, log);
  if (judged === undefined) return undefined;
  if (judged.silence !== undefined) refuseRowOptions(rule, log);
  const rest = { ...readNoise(rule), ...readRowOptions(rule, judged, log), ...readTexts(rule, judged) };
  if (name === undefined || severity === undefined || summary === undefined) return undefined;
  return {
    ...{ name, severity, summary: summary.text },
    ...(summary.text.includes('{{') ? { summaryTemplate: summary } : {}),
    series: judged.series?.definition.name ?? '',
    ...timing,
    ...rest,
    ...judged.silence,
    condition: withClear(rule, judged, log),
  };
}

const readName: Reader<string> = (setting, log) => {
  const name = textReader('a name of a-z, 0-9 and -, at most 63', /^[a-z][a-z0-9-]{0,62}$/)(setting, log);
  return name === PIPELINE_STALLED
    ? log.refuse(setting, `another name: ${PIPELINE_STALLED} is built in`)
    : name;
};

function readTiming(
  rule: MapReader,
): Pick<AlertRule, 'forMs' | 'keepFiringForMs' | 'noDataAfterMs' | 'notifyWithinMs'> {
  const keepFiringForMs = rule.optional('keepFiringFor', durationReader(0), 0);
  return {
    forMs: rule.optional('for', durationReader(0), 0),
    ...(keepFiringForMs === 0 ? {} : { keepFiringForMs }),
    noDataAfterMs: rule.optional('noDataAfter', durationReader(1), DEFAULT_NO_DATA_AFTER_MS),
    notifyWithinMs: rule.optional('notifyWithin', durationReader(0), DEFAULT_NOTIFY_WITHIN_MS),
  };
}

function readKind(rule: MapReader, scope: AlertScope, log: ProblemLog): ReadCondition | undefined {
  const given = KINDS.filter((kind) => rule.has(kind));
  const [kind] = given;
  const reader = ALERT_KINDS[kind ?? ''];
  if (kind === undefined || reader === undefined)
    return log.refuse(rule.setting, `a rule with one of ${KINDS.join(', ')}`);
  if (given.length > 1) return log.refuse(rule.setting, `one of ${given.join(', ')}, not several`);
  return rule.required(kind, (setting, problems) => {
    const map = MapReader.of(setting, problems, reader.options);
    return map && reader.read(map, scope, problems);
  });
}

function refuseRowOptions(rule: MapReader, log: ProblemLog): void {
  for (const name of ROW_OPTIONS) {
    const member = rule.member(name);
    if (member !== undefined)
      log.refuse(member, `no ${name}: this kind of rule does not judge the values of rows`);
  }
}

function readNoise(rule: MapReader): Pick<AlertRule, 'flapping' | 'maxActive'> {
  const flapping = rule.optional('flapping', readFlapping, DEFAULT_FLAPPING);
  const maxActive = rule.optional('maxActive', wholeReader(1, MAX_ACTIVE), DEFAULT_MAX_ACTIVE);
  return { ...(flapping === 'off' ? {} : { flapping }), maxActive };
}

const readFlapping: Reader<FlappingRule | 'off'> = (setting, log) => {
  if (textOf(setting) === 'off') return 'off';
  if (setting.kind !== 'map') return log.refuse(setting, 'off, or a map of changes, within');
  const flapping = MapReader.of(setting, log, ['changes', 'within']);
  const changes = flapping?.optional('changes', wholeReader(2, 100), DEFAULT_FLAPPING.changes);
  const withinMs = flapping?.optional('within', durationReader(1), DEFAULT_FLAPPING.withinMs);
  return changes === undefined || withinMs === undefined ? undefined : { changes, withinMs };
};

function readRowOptions(
  rule: MapReader,
  { series, everyMs }: ReadCondition,
  log: ProblemLog,
): Partial<AlertRule> {
  const minSamples = series && rule.optional('minSamples', minSamplesReader(series), undefined);
  const windows = rule.optional('windows', readWindows, undefined);
  const noData = rule.optional('noData', choiceReader(NO_DATA_MEANINGS), undefined);
  const uselessAfter = noData === 'keep' ? rule.member('noDataAfter') : undefined;
  if (uselessAfter !== undefined)
    log.refuse(uselessAfter, 'no noDataAfter: with noData: keep, silence changes nothing');
  return {
    ...(minSamples === undefined ? {} : { minSamples }),
    ...(windows === undefined ? {} : { windows }),
    ...(noData === undefined ? {} : { noData }),
    ...(everyMs === undefined ? {} : { everyMs }),
    ...readDurations(rule, series),
  };
}

function readDurations(rule: MapReader, series: ReadSeries | undefined): Partial<AlertRule> {
  const warmUpMs = rule.optional('warmUp', durationReader(0), 0);
  const correctableMs = series === undefined ? 0 : settlingMs(series.definition);
  return {
    ...(warmUpMs === 0 ? {} : { warmUpMs }),
    ...(correctableMs > 0 ? { correctableMs } : {}),
  };
}

const readWindows: Reader<NonNullable<AlertRule['windows']>> = (setting, log) => {
  const windows = MapReader.of(setting, log, ['breaching', 'of']);
  const of = windows?.required('of', wholeReader(1, MAX_WINDOWS));
  const breaching = windows?.required('breaching', wholeReader(1, of ?? MAX_WINDOWS));
  return of === undefined || breaching === undefined ? undefined : { breaching, of };
};

function minSamplesReader({ results }: ReadSeries): Reader<NonNullable<AlertRule['minSamples']>> {
  return (setting, log) => {
    const minSamples = MapReader.of(setting, log, ['measure', 'atLeast']);
    const numbers = [...results].filter(([, kind]) => kind === 'number').map(([name]) => name);
    const measure = minSamples?.required('measure', choiceReader(numbers));
    const number = numberReader('a number of 0 or more', (value) => value >= 0);
    const atLeast = minSamples?.required('atLeast', number);
    return measure === undefined || atLeast === undefined ? undefined : { measure, atLeast };
  };
}

/** `clear: {below: 0.05}`: on the other side of the limit, or the alert would recover while it breaches. */
function withClear(rule: MapReader, { condition }: ReadCondition, log: ProblemLog): AlertRule['condition'] {
  const setting = rule.member('clear');
  if (setting === undefined) return condition;
  const { direction, limit } = condition;
  const other = direction === 'above' ? 'below' : 'above';
  const clear = MapReader.of(setting, log, [other]);
  const clearLimit = clear?.required(other, (each, problems) => {
    const value = condition.kind === 'change' ? percentOf(each) : undefined;
    return value ?? readNumber(each, problems);
  });
  if (clearLimit === undefined) return condition;
  const isApart = direction === 'above' ? clearLimit <= limit : clearLimit >= limit;
  if (!isApart)
    log.refuse(clear!.member(other)!, `a number ${other} ${limit}, the limit, or the limit itself`);
  return { ...condition, clearLimit };
}

function percentOf(setting: Setting): number | undefined {
  const share = /^(-?\d+(?:\.\d+)?)\s*%$/.exec(textOf(setting))?.[1];
  return share === undefined ? undefined : Number(share);
}

function readTexts(
  rule: MapReader,
  { series, condition }: ReadCondition,
): Pick<AlertRule, 'labels' | 'annotations'> {
  const by = condition.kind === 'pattern' ? condition.by : (series?.definition.by ?? []);
  const labels = rule.optional('labels', labelsReader(['stream', 'storm', ...by]), undefined);
  const annotations = rule.optional('annotations', readAnnotations, undefined);
  return {
    ...(labels === undefined ? {} : { labels }),
    ...(annotations === undefined ? {} : { annotations }),
  };
}

const LABEL_NAME = /^[A-Za-z_][A-Za-z0-9_]{0,62}$/;

function labelsReader(taken: readonly string[]): Reader<AlertLabels> {
  return (setting, log) => {
    if (setting.kind !== 'map') return log.refuse(setting, 'a map of labels');
    return Object.fromEntries(
      [...setting.entries].map(([name, { value, keyPlace }]) => {
        if (!LABEL_NAME.test(name) || taken.includes(name))
          log.report(keyPlace, value.path, {
            found: `the label ${name}`,
            wanted: `a name of letters, digits and _, other than ${taken.join(', ')}`,
          });
        const text =
          value.kind === 'scalar' && value.value !== null ? value.value : log.refuse(value, 'a value');
        return [name, text ?? ''];
      }),
    );
  };
}

const readAnnotations: Reader<Readonly<Record<string, Template>>> = (setting, log) => {
  if (setting.kind !== 'map') return log.refuse(setting, 'a map of texts');
  return Object.fromEntries(
    [...setting.entries].flatMap(([name, { value }]): [string, Template][] => {
      const text = readTemplate(value, log);
      return text === undefined ? [] : [[name, text]];
    }),
  );
};
