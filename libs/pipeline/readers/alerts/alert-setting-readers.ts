import {
  compileTemplate,
  type Matcher,
  matcherProblem,
  matchesNothingGiven,
  parseMatcher,
  type Template,
} from '#libs/alerting';
import { isStreamName, type JsonScalar, parseDuration, STREAM_NAME_RULE } from '#libs/kernel';
import { wantedName } from '../../settings/near-name.js';
import type { ProblemLog } from '../../settings/problem-log.js';
import type { Setting } from '../../settings/setting.js';
import { numberReader, type Reader } from '../../settings/setting-reader.js';
import type { ReadSeries } from '../series-reader.js';

export const readNumber = numberReader('a number');

export function wholeReader(least: number, most: number): Reader<number> {
  return numberReader(
    `a whole number from ${least} to ${most}`,
    (value) => Number.isInteger(value) && value >= least && value <= most,
  );
}

export function textOf(setting: Setting | undefined): string {
  return setting?.kind === 'scalar' ? String(setting.value) : '';
}

export function seriesReader(series: readonly ReadSeries[]): Reader<ReadSeries> {
  return (setting, log) => {
    const name = textOf(setting);
    const names = series.map(({ definition }) => definition.name);
    const found = series.find(({ definition }) => definition.name === name);
    return found ?? log.refuse(setting, `a series: ${wantedName(name, names)}`);
  };
}

/** A sentence that may hold `{{ expression }}`; undefined and no problem: it is not to be read here. */
export const readTemplate: Reader<Template> = (setting, log) => {
  if (setting.kind !== 'scalar' || typeof setting.value !== 'string' || !/\S/.test(setting.value))
    return log.refuse(setting, 'a sentence');
  const compiled = compileTemplate(setting.value);
  if (compiled.kind === 'compiled') return compiled.template;
  log.report(setting.placeAt(compiled.offset), setting.path, {
    found: `'${setting.value}'`,
    wanted: `a text with {{ expression }}: ${compiled.reason}`,
  });
  return undefined;
};

/** `{severity: critical, stream: web}`, or a list of texts such as `stream=~web.*`. */
export const readMatchers: Reader<readonly Matcher[]> = (setting, log) => {
  if (setting.kind === 'list') return setting.items.flatMap((item) => readMatcherText(item, log) ?? []);
  if (setting.kind !== 'map')
    return log.refuse(setting, "a map of labels, or a list of texts such as 'stream=~web.*'");
  return [...setting.entries].flatMap(([name, { value }]) => {
    if (value.kind !== 'scalar' || value.value === null)
      return log.refuse(value, 'the value of a label') ?? [];
    return checked({ name, value: String(value.value) }, value, log) ?? [];
  });
};

/** As {@link readMatchers}, where no matcher at all would mean everything. */
export const readSomeMatchers: Reader<readonly Matcher[]> = (setting, log) => {
  const matchers = readMatchers(setting, log);
  if (matchers === undefined || !matchesNothingGiven(matchers)) return matchers;
  return log.refuse(setting, 'at least one label with a value: this would be every alert');
};

function readMatcherText(setting: Setting, log: ProblemLog): Matcher | undefined {
  const matcher = setting.kind === 'scalar' ? parseMatcher(String(setting.value)) : undefined;
  if (matcher === undefined) return log.refuse(setting, "a text such as 'stream=web' or 'stream=~web.*'");
  return checked(matcher, setting, log);
}

function checked(matcher: Matcher, setting: Setting, log: ProblemLog): Matcher | undefined {
  const problem = matcherProblem(matcher);
  return problem === undefined ? matcher : log.refuse(setting, `a matcher that can be used: ${problem}`);
}

/** Durations after the start, of more than one part too: `1m30s`. */
export function momentReader(startMs: number): Reader<number> {
  return (setting, log) => {
    const parts = textOf(setting).match(/\d+(?:\.\d+)?(?:ms|s|m|h|d)/g) ?? [];
    if (parts.length === 0 || parts.join('') !== textOf(setting))
      return log.refuse(setting, 'a time after the start, such as 3m or 1m30s');
    return startMs + parts.reduce((sum, part) => sum + parseDuration(part), 0);
  };
}

export const readStream: Reader<string> = (setting, log) =>
  isStreamName(textOf(setting)) ? textOf(setting) : log.refuse(setting, `a stream: ${STREAM_NAME_RULE}`);

export const readScalars: Reader<Readonly<Record<string, JsonScalar>>> = (setting, log) => {
  if (setting.kind !== 'map') return log.refuse(setting, 'a map of values');
  const entries = [...setting.entries].map(([name, { value }]) => {
    if (value.kind !== 'scalar') log.refuse(value, 'a text, a number, true or false');
    return [name, value.kind === 'scalar' ? value.value : null] as const;
  });
  return Object.fromEntries(entries);
};
