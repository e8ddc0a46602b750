import {
  ALERT_SEVERITIES,
  type AlertRule,
  DEFAULT_NO_DATA_AFTER_MS,
  DEFAULT_NOTIFY_WITHIN_MS,
  type ThresholdCondition,
} from '#libs/alerting';
import type { JsonObject } from '#libs/kernel';
import type { Scope } from '../expression/expression.js';
import { wantedName } from '../settings/near-name.js';
import type { ProblemLog } from '../settings/problem-log.js';
import { quantityReader } from './scope-reader.js';
import type { ReadSeries } from './series-reader.js';
import type { Setting } from '../settings/setting.js';
import {
  choiceReader,
  distinctReader,
  durationReader,
  listReader,
  MapReader,
  numberReader,
  textReader,
} from '../settings/setting-reader.js';

const RULE_OPTIONS = [
  'name',
  'severity',
  'summary',
  'threshold',
  'for',
  'minSamples',
  'noDataAfter',
  'notifyWithin',
];
/** Kinds of rules that a later version will judge. */
const LATER_OPTIONS = [
  'ratio',
  'change',
  'absence',
  'spike',
  'pattern',
  'keepFiring',
  'labels',
  'notify',
  'groupBy',
];

/** The rules of an alert file, or of the `alerts` of a pipeline: `{apiVersion, kind, rules}`. */
export function readAlertRules(
  setting: Setting,
  series: readonly ReadSeries[],
  log: ProblemLog,
): readonly AlertRule[] {
  const document = MapReader.of(setting, log, ['apiVersion', 'kind', 'rules']);
  if (document === undefined) return [];
  document.optional('apiVersion', choiceReader(['millrace/v1']), undefined);
  document.optional('kind', choiceReader(['AlertRules']), undefined);
  const rule = distinctReader<AlertRule>(
    (each, problems) => readRule(each, series, problems),
    ({ name }) => name,
  );
  return document.required('rules', listReader(rule, 'a list of rules')) ?? [];
}

function readRule(setting: Setting, series: readonly ReadSeries[], log: ProblemLog): AlertRule | undefined {
  const rule = MapReader.of(setting, log, RULE_OPTIONS, LATER_OPTIONS);
  if (rule === undefined) return undefined;
  const name = rule.required(
    'name',
    textReader('a name of a-z, 0-9 and -, at most 63', /^[a-z][a-z0-9-]{0,62}$/),
  );
  const severity = rule.required('severity', choiceReader(ALERT_SEVERITIES));
  const summary = rule.required('summary', textReader('a sentence'));
  const timing = {
    forMs: rule.optional('for', durationReader(0), 0),
    noDataAfterMs: rule.optional('noDataAfter', durationReader(1), DEFAULT_NO_DATA_AFTER_MS),
    notifyWithinMs: rule.optional('notifyWithin', durationReader(0), DEFAULT_NOTIFY_WITHIN_MS),
  };
  const judged = LATER_OPTIONS.some((kind) => rule.has(kind))
    ? undefined
    : rule.required('threshold', (each, problems) => readThreshold(each, series, problems));
  if (name === undefined || severity === undefined || summary === undefined || judged === undefined)
    return undefined;
  const minSamples = rule.optional(
    'minSamples',
    (each, problems) => readMinSamples(each, judged.results, problems),
    undefined,
  );
  const checked = { name, severity, summary, series: judged.series, condition: judged.condition, ...timing };
  return minSamples === undefined ? checked : { ...checked, minSamples };
}

interface Judged {
  readonly series: string;
  readonly results: Scope;
  readonly condition: ThresholdCondition;
}

function readThreshold(setting: Setting, series: readonly ReadSeries[], log: ProblemLog): Judged | undefined {
  const threshold = MapReader.of(setting, log, ['series', 'value', 'above', 'below']);
  if (threshold === undefined) return undefined;
  const limits = (['above', 'below'] as const).filter((direction) => threshold.has(direction));
  if (limits.length !== 1) log.refuse(setting, 'either above or below');
  const direction = limits[0] ?? 'above';
  const limit = limits.length === 1 ? threshold.required(direction, numberReader('a number')) : undefined;
  const of = threshold.required('series', seriesReader(series));
  // Without the series nothing is known of its measures: then only look that there is a value.
  const value = threshold.required('value', of === undefined ? () => undefined : quantityReader(of.results));
  if (of === undefined || value === undefined || limit === undefined) return undefined;
  const condition: ThresholdCondition = {
    kind: 'threshold',
    expression: textOf(threshold.member('value')),
    value: (measures: JsonObject) => value(measures),
    direction,
    limit,
  };
  return { series: of.definition.name, results: of.results, condition };
}

function textOf(setting: Setting | undefined): string {
  return setting?.kind === 'scalar' ? String(setting.value) : '';
}

function seriesReader(
  series: readonly ReadSeries[],
): (setting: Setting, log: ProblemLog) => ReadSeries | undefined {
  return (setting, log) => {
    const name = textOf(setting);
    const found = series.find(({ definition }) => definition.name === name);
    return (
      found ??
      log.refuse(
        setting,
        `a series: ${wantedName(
          name,
          series.map(({ definition }) => definition.name),
        )}`,
      )
    );
  };
}

function readMinSamples(setting: Setting, results: Scope, log: ProblemLog): AlertRule['minSamples'] {
  const minSamples = MapReader.of(setting, log, ['measure', 'atLeast']);
  const numbers = [...results].filter(([, kind]) => kind === 'number').map(([name]) => name);
  const measure = minSamples?.required('measure', choiceReader(numbers));
  const atLeast = minSamples?.required(
    'atLeast',
    numberReader('a number of 0 or more', (value) => value >= 0),
  );
  return measure === undefined || atLeast === undefined ? undefined : { measure, atLeast };
}
