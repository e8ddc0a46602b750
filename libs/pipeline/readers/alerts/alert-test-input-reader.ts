import { parseValueSequence, type RuleTest, type ValueSequence } from '#libs/alerting';
import type { JsonObject, JsonValue } from '#libs/kernel';
import type { SeriesDefinition } from '#libs/windowing';
import type { PipelineDefinition } from '../../pipeline-definition.js';
import { wantedName } from '../../settings/near-name.js';
import type { ProblemLog } from '../../settings/problem-log.js';
import type { Setting } from '../../settings/setting.js';
import { durationReader, listReader, MapReader, type Reader } from '../../settings/setting-reader.js';
import { momentReader, readScalars, readStream, textOf } from './alert-setting-readers.js';

export type TestRow = RuleTest['rows'][number];

/** Rows of one series, stream and key: a value a window for each measure, and corrections. */
export function alertTestInputReader(
  pipeline: PipelineDefinition,
  startMs: number,
): Reader<readonly TestRow[]> {
  return (setting, log) => {
    const input = MapReader.of(setting, log, ['series', 'stream', 'key', 'every', 'measures', 'corrections']);
    const series = input?.required('series', seriesReader(pipeline));
    if (input === undefined || series === undefined) return undefined;
    const stream = input.optional('stream', readStream, 'demo');
    const key = input.optional('key', readScalars, {});
    const everyMs = input.optional('every', durationReader(1), stepMs(series));
    const measures = input.required('measures', measuresReader(series));
    if (measures === undefined) return undefined;
    const place = { series: series.name, stream, key, task: 0 };
    const window = (number: number): { windowStartMs: number; windowEndMs: number } => {
      const endMs = startMs + (number + 1) * everyMs;
      return { windowStartMs: endMs - sizeMs(series, everyMs), windowEndMs: endMs };
    };
    const rows = rowsOf(measures).flatMap((values, number) =>
      values === undefined
        ? []
        : [
            {
              atMs: window(number).windowEndMs,
              row: { ...place, ...window(number), measures: values, revision: 0 },
            },
          ],
    );
    const correction = listReader(correctionReader(startMs, rows), 'a list of corrections');
    return [...rows, ...input.optional('corrections', correction, [])];
  };
}

function seriesReader({ series }: PipelineDefinition): Reader<SeriesDefinition> {
  return (setting, log) => {
    const name = textOf(setting);
    const names = series.map((each) => each.name);
    return (
      series.find((each) => each.name === name) ?? log.refuse(setting, `a series: ${wantedName(name, names)}`)
    );
  };
}

function stepMs({ window }: SeriesDefinition): number {
  if (window.kind === 'tumbling') return window.sizeMs;
  return window.kind === 'hopping' ? window.everyMs : 60_000;
}

function sizeMs({ window }: SeriesDefinition, everyMs: number): number {
  return window.kind === 'tumbling' || window.kind === 'hopping' ? window.sizeMs : everyMs;
}

function measuresReader({ measures }: SeriesDefinition): Reader<ReadonlyMap<string, ValueSequence>> {
  return (setting, log) => {
    if (setting.kind !== 'map') return log.refuse(setting, 'a map from measures to values');
    const names = measures.map(({ name }) => name);
    const read = [...setting.entries].flatMap(([name, { keyPlace, value }]): [string, ValueSequence][] => {
      // `duration.p95` is a member of what the measure gives.
      if (!names.includes(name.split('.')[0] ?? ''))
        log.report(keyPlace, value.path, { found: `the measure ${name}`, wanted: wantedName(name, names) });
      const values = readSequence(value, log);
      return values === undefined ? [] : [[name, values]];
    });
    return new Map(read);
  };
}

function readSequence(setting: Setting, log: ProblemLog): ValueSequence | undefined {
  try {
    return parseValueSequence(textOf(setting));
  } catch (error) {
    return log.refuse(setting, `values such as 3x5 _ 9-2x3: ${(error as Error).message}`);
  }
}

/** Window by window; undefined: no measure has a value there, and so there is no row. */
function rowsOf(measures: ReadonlyMap<string, ValueSequence>): readonly (JsonObject | undefined)[] {
  const length = Math.max(0, ...[...measures.values()].map((values) => values.length));
  return Array.from({ length }, (_, number) => {
    const given = [...measures].flatMap(([name, values]): [string, number][] => {
      const value = values[number];
      return value === undefined ? [] : [[name, value]];
    });
    return given.length === 0 ? undefined : nested(given);
  });
}

function nested(given: readonly (readonly [string, number])[]): JsonObject {
  const measures: Record<string, JsonValue> = {};
  for (const [path, value] of given) {
    const [name = '', member] = path.split('.');
    measures[name] =
      member === undefined ? value : { ...(measures[name] as object | undefined), [member]: value };
  }
  return measures;
}

/** `{window: 3m, at: 4m, measures: {errors: 0}}`: the row of the window that ended then says something else from then on. */
function correctionReader(startMs: number, rows: readonly TestRow[]): Reader<TestRow> {
  return (setting, log) => {
    const correction = MapReader.of(setting, log, ['window', 'at', 'measures']);
    const endMs = correction?.required('window', momentReader(startMs));
    const atMs = correction?.required('at', momentReader(startMs));
    const measures = correction?.required('measures', readScalars);
    if (endMs === undefined || atMs === undefined || measures === undefined) return undefined;
    const corrected = rows.find(({ row }) => row.windowEndMs === endMs);
    if (corrected === undefined)
      return log.refuse(correction?.member('window') ?? setting, 'the end of a window that has a row');
    const { row } = corrected;
    return { atMs, row: { ...row, measures: { ...row.measures, ...measures }, revision: row.revision + 1 } };
  };
}
