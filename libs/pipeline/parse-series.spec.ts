import { readFileSync } from 'node:fs';
import { describe, expect, it } from '@jest/globals';
import type { StreamEvent } from '#libs/kernel';
import { type EventSchema, SchemaRegistry, shippedSchemas } from '#libs/schema';
import type { Fields, MeasureDefinition, SeriesDefinition } from '#libs/windowing';
import { explainPipeline, parsePipeline, type PipelineDefinition, PipelineInvalidError } from './index.js';

/** A pipeline whose only series has these settings, from line 9 on. */
function pipeline(...settings: readonly string[]): string {
  const head = 'apiVersion: millrace/v1\nkind: Pipeline\nmetadata: {name: p}\nspec:\n  event: web-request@1';
  return [
    head,
    '  enrich: [classify: {}]',
    '  aggregate:',
    '    - name: s',
    ...settings.map((line) => `      ${line}`),
  ].join('\n');
}

function parse(...settings: readonly string[]): PipelineDefinition {
  const source = { file: 'p.yaml', text: pipeline(...settings), include: () => undefined };
  return parsePipeline(source, { schemas: shippedSchemas() });
}

function problemsOf(...settings: readonly string[]): readonly string[] {
  try {
    parse(...settings);
    return [];
  } catch (error) {
    if (!(error instanceof PipelineInvalidError)) throw error;
    return error.message
      .split('\n')
      .map((line) => line.replace('p.yaml:', '').replace('spec.aggregate[0].', ''));
  }
}

const seriesWith = (...settings: readonly string[]): SeriesDefinition => parse(...settings).series[0]!;
const COUNT = 'measures: {n: count}';
const MINUTE = 'window: {tumbling: 1m}';
const measureOf = (text: string): MeasureDefinition =>
  seriesWith(MINUTE, `measures: {m: ${text}}`).measures[0]!;

describe('a window', () => {
  it.each<[string, object, string]>([
    [
      '{tumbling: 1m}',
      { kind: 'tumbling', sizeMs: 60_000, offsetMs: 0 },
      'tumbling 1m by stream, corrected for 0ms',
    ],
    [
      '{tumbling: 1d, allowedLateness: 2m, offset: 6h, timeZone: Europe/Prague}',
      { kind: 'tumbling', sizeMs: 86_400_000, offsetMs: 21_600_000, timeZone: 'Europe/Prague' },
      'tumbling 1d offset 6h in Europe/Prague by stream, corrected for 2m',
    ],
    [
      '{hopping: 5m, every: 1m, offset: 15s}',
      { kind: 'hopping', sizeMs: 300_000, everyMs: 60_000, offsetMs: 15_000 },
      'hopping 5m every 1m offset 15s by stream',
    ],
    [
      '{hopping: 5m, every: 2m}',
      { kind: 'hopping', sizeMs: 300_000, everyMs: 120_000, offsetMs: 0 },
      'hopping 5m every 2m by stream',
    ],
    [
      '{sliding: 5m, allowedLateness: 1m}',
      { kind: 'sliding', sizeMs: 300_000 },
      'sliding 5m by stream, corrected for 1m',
    ],
    ['{session: 30m}', { kind: 'session', gapMs: 1_800_000 }, 'session with a gap of 30m, by stream'],
    [
      '{session: 30m, maxLength: 12h}',
      { kind: 'session', gapMs: 1_800_000, maxLengthMs: 43_200_000 },
      'session with a gap of 30m, cut every 12h, by stream',
    ],
    ['{count: 100}', { kind: 'global', count: 100 }, 'every 100 events by stream: n'],
  ])('is written %s', (window, definition, explained) => {
    const found = parse(`window: ${window}`, COUNT);
    expect(found.series[0]?.window).toEqual(definition);
    expect(explainPipeline(found)).toContain(`s: ${explained}`);
  });

  it('takes no late event unless that is said', () => {
    expect(seriesWith('window: {session: 30m}', COUNT).allowedLatenessMs).toBe(0);
    expect(seriesWith('window: {session: 30m, allowedLateness: 1m}', COUNT).allowedLatenessMs).toBe(60_000);
  });

  it.each<[string, string]>([
    [
      '{tumbling: 1m, offset: 1m}',
      "9:38 window.offset: found '1m', wanted an offset below 1m, the size of the window",
    ],
    ['{hopping: 5m}', '9:15 window: found no every, wanted the key every'],
    [
      '{hopping: 5m, every: 6m}',
      "9:36 window.every: found '6m', wanted at most 5m, the size of the windows: else some events are in none",
    ],
    [
      '{hopping: 1d, every: 1s}',
      "9:36 window.every: found '1s', wanted 57600ms or more: an event is in at most 1500 windows of 1d",
    ],
    [
      '{hopping: 5m, every: 1m, offset: 2m}',
      "9:48 window.offset: found '2m', wanted an offset below 1m, every",
    ],
    [
      '{tumbling: 1h, timeZone: Europe/Prag}',
      "9:40 window.timeZone: found 'Europe/Prag', wanted the IANA name of a time zone, such as Europe/Prague (did you mean Europe/Prague?)",
    ],
    [
      '{tumbling: 17m, timeZone: Europe/Prague}',
      "9:41 window.timeZone: found 'Europe/Prague', wanted no time zone, or another size: with a time zone a size divides a day or is whole days: 16m or 18m, not 17m",
    ],
    [
      '{hopping: 6h, every: 4h, timeZone: Europe/Prague}',
      "9:50 window.timeZone: found 'Europe/Prague', wanted no time zone, or another size: with a time zone the size is a multiple of every: 21600000 ms is none of 14400000 ms",
    ],
    [
      '{session: 30m, maxLength: 10m}',
      "9:41 window.maxLength: found '10m', wanted 30m or more, the gap that ends a session",
    ],
    [
      '{session: 30m, every: 1m}',
      '9:30 window.every: found the key every, wanted one of session, maxLength, allowedLateness',
    ],
    ['{count: 0}', '9:23 window.count: found 0, wanted a whole number from 1 to 1000000'],
    [
      '{count: 10, allowedLateness: 1m}',
      '9:27 window.allowedLateness: found the key allowedLateness, wanted one of count',
    ],
    [
      '{allowedLateness: 1m}',
      '9:15 window: found a map, wanted a map with tumbling or hopping or sliding or session or count',
    ],
    [
      '{tumblng: 1m}',
      '9:16 window.tumblng: found the key tumblng, wanted one of tumbling, hopping, sliding, session, count, offset, timeZone, allowedLateness, every, maxLength (did you mean tumbling?)',
    ],
  ])('that can not be, %s, is refused with what would be right', (window, problem) => {
    expect(problemsOf(`window: ${window}`, COUNT)).toEqual([problem]);
  });
});

/** What a measure says of these events, a second apart. */
function resultOf(text: string, events: readonly Fields[]): unknown {
  const { aggregator, value, where } = measureOf(text);
  const state = aggregator.create();
  events.forEach((data, i) => {
    const event: StreamEvent<Fields> = {
      id: `e${i}`,
      stream: 'w',
      timeMs: i * 1_000,
      receivedMs: 0,
      type: 't',
      data,
    };
    if (where?.(data) !== false) aggregator.add(state, value?.(data), event);
  });
  return aggregator.result(state, { startMs: 0, endMs: 10_000 });
}

describe('a measure', () => {
  const EVENTS = [
    { path: '/a', status: 200, bytes: 1 },
    { path: '/b', status: 500, bytes: 3 },
    { path: '/b', status: 200, bytes: 8 },
  ];

  it.each<[string, unknown]>([
    ['count', 3],
    ["{count: 'status >= 500'}", 1],
    ['{sum: bytes}', 12],
    ['{min: bytes}', 1],
    ['{max: bytes}', 8],
    ['{mean: bytes}', 4],
    ['{first: path}', '/a'],
    ['{last: path}', '/b'],
    ['duration', 2_000],
    ['rate', 0.3],
    ['{rate: bytes}', 1.2],
    ['{distinct: path}', { estimate: 2, standardError: 0 }],
    [
      '{histogram: [0, 5, 10], of: bytes}',
      { bounds: [0, 5, 10], counts: [2, 1], under: 0, over: 0, total: 3 },
    ],
    ['{collect: path, limit: 2}', { values: ['/a', '/b'], omitted: 1 }],
    ['{collect: path}', { values: ['/a', '/b', '/b'], omitted: 0 }],
  ])('is written %s', (text, result) => {
    expect(resultOf(text, EVENTS)).toEqual(result);
  });

  it('of the most frequent, of quantiles and of how they spread says how sure it is', () => {
    expect(resultOf('{top: 1, of: path}', EVENTS)).toMatchObject({
      entries: [{ value: '/b', count: 2, error: 0 }],
      maxError: 0,
    });
    expect(resultOf('{quantiles: [0.5], of: bytes}', EVENTS)).toMatchObject({ relativeError: 0.01 });
    expect(resultOf('{variance: bytes}', EVENTS)).toBeCloseTo(26 / 3, 9);
    expect(resultOf('{stddev: bytes}', EVENTS)).toBeCloseTo(Math.sqrt(26 / 3), 9);
  });

  it.each(['sum', 'min', 'max', 'mean', 'variance', 'stddev', 'rate'])('%s wants numbers', (kind) => {
    expect(problemsOf(MINUTE, `measures: {m: {${kind}: path}}`)).toEqual([
      `10:${24 + kind.length} measures.m.${kind}: found 'path', wanted a field that is a number; path is a string`,
    ]);
  });

  it.each<[string, string]>([
    [
      '{histogram: [0, 10], of: path}',
      "10:46 measures.m.of: found 'path', wanted a field that is a number; path is a string",
    ],
    [
      '{quantiles: [0.5], of: isAsset}',
      "10:44 measures.m.of: found 'isAsset', wanted a field that is a number; isAsset is a boolean",
    ],
    [
      '{histogram: [0, 10, 5], of: bytes}',
      '10:41 measures.m.histogram[2]: found 5, wanted a number above 10, the bound before it',
    ],
    [
      '{histogram: [1], of: bytes}',
      '10:33 measures.m.histogram: found a list, wanted a list of 2 to 200 ascending numbers',
    ],
    ['{top: 101, of: path}', '10:27 measures.m.top: found 101, wanted a whole number from 1 to 100'],
    ['{top: 10}', '10:21 measures.m: found no of, wanted the key of'],
    ['{top: 10, of: pth}', '10:35 measures.m.of'],
    ['{collect: path, limit: 501}', '10:44 measures.m.limit: found 501, wanted a whole number from 1 to 500'],
    ['max', "10:21 measures.m: found 'max', wanted a map, {max: …}; alone there are count, duration, rate"],
    [
      'cuont',
      "10:21 measures.m: found 'cuont', wanted one of count, duration, rate (did you mean count?), or a map with one of count, sum, min, max, mean, variance, stddev, rate, first, last, distinct, quantiles, top, histogram, collect (did you mean count?)",
    ],
    ['{of: path}', '10:21 measures.m: found a map, wanted a map with count or sum or'],
    ['{first: path, of: path}', '10:35 measures.m.of: found the key of, wanted one of first'],
    ["{count: 'path > 5'}", '10:30 measures.m.count: found'],
  ])('that can not be, %s, is refused with its place', (text, problem) => {
    expect(problemsOf(MINUTE, `measures: {m: ${text}}`)).toEqual([expect.stringContaining(problem)]);
  });

  it('has no rate where its window has no length', () => {
    expect(problemsOf('window: {count: 10}', 'measures: {a: rate, b: {rate: bytes}, n: count}')).toEqual([
      expect.stringContaining(
        "10:21 measures.a: found 'rate', wanted another measure: a window of a count has no length",
      ),
      expect.stringContaining('10:30 measures.b: found a map, wanted another measure'),
    ]);
  });
});

describe('docs/pipeline-file.md', () => {
  const page = readFileSync(new URL('../../docs/pipeline-file.md', import.meta.url), 'utf8');
  const examplesIn = (heading: string): readonly string[] => {
    const section = page.split(`### ${heading}\n`)[1]?.split('\n#')[0] ?? '';
    const cells = [...section.matchAll(/^\| [^|`]+ \| ([^|]+) \|/gm)].map(([, cell = '']) => cell);
    return cells.flatMap((cell) => [...cell.matchAll(/`([^`]+)`/g)].map(([, example = '']) => example));
  };

  it('gives an example of every window and measure, and each is right', () => {
    const windows = examplesIn('window').map((text) => seriesWith(`window: ${text}`, COUNT).window.kind);
    expect(new Set(windows)).toEqual(new Set(['tumbling', 'hopping', 'sliding', 'session', 'global']));
    const enriched = examplesIn('measures').map((text) => text.replace('visitor', 'userId'));
    const measures = enriched.map((text) => measureOf(text).aggregator.name);
    expect(measures.length).toBeGreaterThan(15);
    expect(measures).toEqual(expect.arrayContaining(['collect', 'histogram', 'top', 'stddev', 'rate']));
  });
});

describe('the keys of a window', () => {
  it('have a cap that can be set', () => {
    expect(seriesWith(MINUTE, 'maxKeys: 500', COUNT).maxKeys).toBe(500);
    expect(explainPipeline(parse(MINUTE, 'maxKeys: 500', COUNT))).toContain('at most 500 keys a window');
    expect(problemsOf(MINUTE, 'maxKeys: 0', COUNT)).toEqual([
      '10:16 maxKeys: found 0, wanted a whole number from 1 to 10000000',
    ]);
    expect(problemsOf('window: {session: 1m}', 'maxKeys: 5', COUNT)).toEqual([
      '10:16 maxKeys: found 5, wanted no maxKeys: sessions have no cap on keys',
    ]);
  });
});

/** Its requests have a field `ordinal`. */
class NumberedSchemas extends SchemaRegistry {
  override get(type: string): EventSchema | undefined {
    const schema = shippedSchemas().get(type);
    return schema && { ...schema, fields: new Map([...schema.fields, ['ordinal', 'number']]) };
  }
}

describe('the key of a counted window', () => {
  const parsed = (window: string): PipelineDefinition => {
    const text = pipeline(`window: ${window}`, 'by: [stream, ordinal]', COUNT);
    return parsePipeline(
      { file: 'p.yaml', text, include: () => undefined },
      { schemas: new NumberedSchemas() },
    );
  };

  it('has no field of the name under which its rows are numbered', () => {
    expect(() => parsed('{count: 10}')).toThrow(
      "p.yaml:10:20 spec.aggregate[0].by[1]: found 'ordinal', wanted another field: the rows of a counted window are numbered under this name",
    );
    expect(parsed('{tumbling: 1m}').series[0]?.by).toEqual(['ordinal']);
  });
});

describe('results of measures', () => {
  const withAlert = (value: string): readonly string[] => [
    MINUTE,
    'measures: {r: rate, f: {first: status}, p: {last: path}, t: {top: 3, of: path}, h: {histogram: [0, 9], of: bytes}}',
    ...[
      `alerts: {rules: [{name: a, severity: info, summary: x, threshold: {series: s, value: '${value}', above: 1}}]}`,
    ].map((line) => line.replace(/^/, '\n  ')),
  ];

  it.each(['r', 'f + 1', 't.maxError', 'h.over / h.total'])('are numbers to an alert: %s', (value) => {
    expect(problemsOf(...withAlert(value))).toEqual([]);
  });

  it.each(['p + 1', 't.entries', 'h.counts'])('are not where they are none: %s', (value) => {
    expect(problemsOf(...withAlert(value))).toHaveLength(1);
  });
});
