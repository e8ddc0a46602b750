import { readFileSync } from 'node:fs';
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { shippedSchemas } from '#libs/schema';
import {
  explainPipeline,
  parsePipeline,
  type PipelineDefinition,
  PipelineInvalidError,
  type SourceFile,
} from './index.js';

const SCHEMAS = { schemas: shippedSchemas() };

function shipped(name: string): SourceFile {
  return { file: name, text: readFileSync(new URL(`../../pipelines/${name}`, import.meta.url), 'utf8') };
}

function parse(text: string, files: Readonly<Record<string, string>> = {}): PipelineDefinition {
  const include = (name: string): SourceFile | undefined => {
    const included = files[name];
    return included === undefined ? undefined : { file: name, text: included };
  };
  return parsePipeline({ file: 'p.yaml', text, include }, SCHEMAS);
}

/** The problems of a file, a line each. */
function problemsOf(text: string, files?: Readonly<Record<string, string>>): readonly string[] {
  try {
    parse(text, files);
    return [];
  } catch (error) {
    if (!(error instanceof PipelineInvalidError)) throw error;
    return error.message.split('\n');
  }
}

const HEAD = [
  'apiVersion: millrace/v1',
  'kind: Pipeline',
  'metadata: {name: p}',
  'spec:',
  '  event: web-request@1',
].join('\n');

/** A pipeline of the head (5 lines) and these lines of its spec. */
function spec(...lines: readonly string[]): string {
  return [HEAD, ...lines.map((line) => `  ${line}`)].join('\n');
}

function series(...lines: readonly string[]): string {
  const [first, ...rest] = lines;
  return spec('aggregate:', `  - ${first}`, ...rest.map((line) => `    ${line}`));
}

const WINDOW = 'window: {tumbling: 1m, allowedLateness: 0s}';

describe('the shipped pipeline', () => {
  const definition = parsePipeline({ ...shipped('web.yaml'), include: shipped }, SCHEMAS);

  it('is as the product says', () => {
    expect(definition).toMatchObject({
      name: 'web',
      partitions: 4,
      globalPartitions: 4,
      eventType: 'web-request@1',
      time: { maxOutOfOrdernessMs: 10_000, maxFutureSkewMs: 300_000, idleAfterMs: 10_000 },
      ingest: {
        logFormats: ['combined', 'common', 'nginx-json', 'json'].map((name) => ({ name })),
        deduplicateForMs: 600_000,
      },
      enrich: [
        { kind: 'userAgent', from: 'userAgent' },
        { kind: 'classify' },
        {
          kind: 'visitor',
          from: [['userId'], ['sessionId'], ['clientIp', 'userAgent']],
          rotateSaltMs: 86_400_000,
        },
        { kind: 'mask', fields: ['clientIp'] },
      ],
    });
    expect(definition.series).toMatchObject([
      {
        name: 'requests_per_minute',
        window: { kind: 'tumbling', sizeMs: 60_000, offsetMs: 0 },
        allowedLatenessMs: 120_000,
        by: [],
      },
      {
        name: 'visits_per_minute',
        window: { kind: 'tumbling', sizeMs: 60_000, offsetMs: 0 },
        allowedLatenessMs: 120_000,
        by: [],
      },
      { name: 'top_paths', window: { kind: 'hopping', sizeMs: 300_000, everyMs: 60_000 }, by: [] },
      {
        name: 'sessions',
        window: { kind: 'session', gapMs: 1_800_000, maxLengthMs: 43_200_000 },
        by: ['visitor'],
      },
    ]);
  });

  it('counts errors and page views by its expressions', () => {
    const [requests, visits] = definition.series;
    const errors = requests?.measures.find(({ name }) => name === 'errors');
    expect([500, 499, undefined].map((status) => errors?.where?.({ status }))).toEqual([true, false, false]);
    expect(visits?.where?.({ isPageView: true, isBot: false })).toBe(true);
    expect(visits?.where?.({ isPageView: true, isBot: true })).toBe(false);
  });

  it('has an alert on the share of errors', () => {
    const [rule] = definition.alerts;
    expect(rule).toMatchObject({
      name: 'high-error-ratio',
      severity: 'critical',
      series: 'requests_per_minute',
      forMs: 60_000,
    });
    expect(rule?.minSamples).toEqual({ measure: 'requests', atLeast: 20 });
    expect(rule?.condition).toMatchObject({
      kind: 'threshold',
      direction: 'above',
      limit: 0.1,
      expression: 'errors / requests',
    });
    expect(rule?.condition.value({ errors: 5, requests: 20 })).toBe(0.25);
    expect(rule?.condition.value({ errors: 0, requests: 0 })).toBeUndefined();
    expect(rule?.condition.value({ requests: 20 })).toBeUndefined();
  });

  it('is explained', () => {
    const text = explainPipeline(definition);
    expect(text).toContain('web.enriched (4 partitions): enrich -> aggregate');
    expect(text).toContain(
      'requests_per_minute: tumbling 1m by stream, corrected for 2m: requests, bytes, errors, duration',
    );
    expect(text).toContain(
      'high-error-ratio (critical): errors / requests of requests_per_minute above 0.1 for 1m',
    );
  });

  it('is kept as JSON, with what it includes', () => {
    expect(JSON.parse(JSON.stringify(definition.source))).toMatchObject({
      kind: 'Pipeline',
      spec: { alerts: { kind: 'AlertRules', rules: [{ name: 'high-error-ratio' }] } },
    });
  });
});

describe('a pipeline', () => {
  it('needs little', () => {
    expect(parse(HEAD)).toMatchObject({
      partitions: 4,
      globalPartitions: 4,
      enrich: [],
      series: [],
      alerts: [],
    });
  });

  it.each([
    [1, 1],
    [8, 8],
    [9, 8],
    [256, 8],
  ])('of %i partitions has %i global ones', (partitions, globalPartitions) => {
    expect(parse(spec(`partitions: ${partitions}`))).toMatchObject({ partitions, globalPartitions });
  });

  it('takes results of every measure into alerts', () => {
    const rules = (value: string): string =>
      [
        series(
          'name: s',
          `${WINDOW}`,
          'measures: {n: count, d: {distinct: path}, q: {quantiles: [0.5, 0.999], of: durationMs}}',
        ),
        `  alerts: {rules: [{name: a, severity: info, summary: x, threshold: {series: s, value: '${value}', above: 1}}]}`,
      ].join('\n');
    const valueOf = (value: string): unknown =>
      parse(rules(value)).alerts[0]?.condition.value({ n: 4, d: { estimate: 3 }, q: { p50: 1, p99_9: 9 } });
    expect(valueOf('d.estimate / n')).toBe(0.75);
    expect(valueOf('q.p99_9 - q.p50')).toBe(8);
    expect(problemsOf(rules('q.p95'))).toEqual([expect.stringContaining('No such key: p95')]);
  });
});

describe('a problem', () => {
  it.each<[string, string, string]>([
    [
      'a key with a typo',
      spec('partitons: 4'),
      'p.yaml:6:3 spec.partitons: found the key partitons, wanted one of partitions, event, time, ingest, enrich, aggregate, alerts (did you mean partitions?)',
    ],
    [
      'too few partitions',
      spec('partitions: 0'),
      'p.yaml:6:15 spec.partitions: found 0, wanted a whole number from 1 to 256',
    ],
    [
      'too many partitions',
      spec('partitions: 257'),
      'p.yaml:6:15 spec.partitions: found 257, wanted a whole number from 1 to 256',
    ],
    [
      'a text for a number',
      spec("partitions: '4'"),
      "p.yaml:6:15 spec.partitions: found '4', wanted a whole number from 1 to 256",
    ],
    [
      'a negative duration',
      spec('time: {maxOutOfOrderness: -1s}'),
      "p.yaml:6:29 spec.time.maxOutOfOrderness: found '-1s', wanted a duration of 0s or more: a number and ms, s, m, h or d, e.g. 10s",
    ],
    [
      'no idle time',
      spec('time: {idleAfter: 0s}'),
      "p.yaml:6:21 spec.time.idleAfter: found '0s', wanted a duration above 0s: a number and ms, s, m, h or d, e.g. 10s",
    ],
    [
      'an unknown log format',
      spec('ingest: {logFormats: [comon]}'),
      "p.yaml:6:25 spec.ingest.logFormats[0]: found 'comon', wanted one of combined, common, vhost_combined, vhost_common, nginx, nginx-json, json (did you mean common?)",
    ],
    [
      'a source of look-ups that there is not',
      spec('enrich:', "  - lookup: {from: userId, source: 'mongodb://host/accounts', select: [plan]}"),
      "p.yaml:7:38 spec.enrich[0].lookup.source: found 'mongodb://host/accounts', wanted mongodb: and the name of a collection; its server is MILLRACE_LOOKUP_MONGODB",
    ],
    [
      'an address that nobody can ask',
      spec('enrich:', "  - lookup: {from: userId, source: 'https://{key}.example/%zz', select: [plan]}"),
      "p.yaml:7:38 spec.enrich[0].lookup.source: found 'https://{key}.example/%zz', wanted a whole address, as in https://host/accounts or https://host/accounts/{key}",
    ],
    [
      'a step over no field',
      spec('enrich:', '  - mask: {fields: [clientIP]}'),
      "p.yaml:7:23 spec.enrich[0].mask.fields[0]: found 'clientIP', wanted a field: one of method, path, query, status, bytes, durationMs, userAgent, referrer, clientIp, userId, sessionId, host, protocol (did you mean clientIp?)",
    ],
    [
      'a part of an alternative',
      spec('enrich:', '  - visitor: {from: [clientIp+agent]}'),
      "p.yaml:7:24 spec.enrich[0].visitor.from[0]: found 'agent', wanted a field: one of method, path, query, status, bytes, durationMs, userAgent, referrer, clientIp, userId, sessionId, host, protocol",
    ],
    [
      'an offset beyond the window',
      series('name: s', 'window: {tumbling: 1m, allowedLateness: 0s, offset: 1m}', 'measures: {n: count}'),
      "p.yaml:8:59 spec.aggregate[0].window.offset: found '1m', wanted an offset below 1m, the size of the window",
    ],
    [
      'a sum of texts',
      series('name: s', WINDOW, 'measures: {n: {sum: path}}'),
      "p.yaml:9:27 spec.aggregate[0].measures.n.sum: found 'path', wanted a field that is a number; path is a string",
    ],
    [
      'a quantile above 1',
      series('name: s', WINDOW, 'measures: {n: {quantiles: [95], of: bytes}}'),
      'p.yaml:9:34 spec.aggregate[0].measures.n.quantiles[0]: found 95, wanted a number from 0 to 1',
    ],
    [
      'an option of another measure',
      series('name: s', WINDOW, 'measures: {n: {sum: bytes, of: status}}'),
      'p.yaml:9:34 spec.aggregate[0].measures.n.of: found the key of, wanted one of sum',
    ],
    [
      'an unknown field in by',
      series('name: s', WINDOW, 'by: [stream, route]', 'measures: {n: count}'),
      "p.yaml:9:20 spec.aggregate[0].by[1]: found 'route', wanted a field: one of stream, method, path, query, status, bytes, durationMs, userAgent, referrer, clientIp, userId, sessionId, host, protocol",
    ],
    [
      'a wrong expression',
      series('name: s', WINDOW, 'measures: {n: {count: \'status >= 500 && pth == "/"\'}}'),
      'p.yaml:9:47 spec.aggregate[0].measures.n.count: found \'status >= 500 && pth == "/"\', wanted a condition: pth is not one of method, path, query, status, bytes, durationMs, userAgent, referrer, clientIp, userId, sessionId, host, protocol (did you mean path?)',
    ],
    [
      'a number for a condition',
      series('name: s', 'where: status + 1', WINDOW, 'measures: {n: count}'),
      "p.yaml:8:14 spec.aggregate[0].where: found 'status + 1', wanted a condition: this one gives a double",
    ],
    [
      'a field before its step',
      series('name: s', 'where: isBot', WINDOW, 'measures: {n: count}'),
      "p.yaml:8:14 spec.aggregate[0].where: found 'isBot', wanted a condition: isBot is not one of method, path, query, status, bytes, durationMs, userAgent, referrer, clientIp, userId, sessionId, host, protocol",
    ],
    [
      'an unknown schema',
      HEAD.replace('web-request@1', 'web-request@2'),
      "p.yaml:5:10 spec.event: found 'web-request@2', wanted a schema: one of web-request@1 (did you mean web-request@1?)",
    ],
    [
      'a missing include',
      spec('alerts: !include gone.yaml'),
      "p.yaml:6:20 spec.alerts: found !include 'gone.yaml', wanted the name of a file that can be read",
    ],
    [
      'an unknown tag',
      spec('partitions: !big 4'),
      'p.yaml:6:20 spec.partitions: found !big, wanted a plain value, or !include and the name of a file',
    ],
    ['an empty file', '', 'p.yaml:1:1: found an empty file, wanted a map'],
    [
      'another kind',
      HEAD.replace('Pipeline', 'Pipe'),
      "p.yaml:2:7 kind: found 'Pipe', wanted one of Pipeline",
    ],
    [
      'an anchor that holds itself',
      spec('enrich: &a [*a]'),
      'p.yaml:6:15 spec.enrich[0]: found *a, wanted an anchor that does not hold this use of it; at most 100 uses',
    ],
  ])('of %s is told with its place', (_, text, problem) => {
    expect(problemsOf(text)).toEqual([problem]);
  });

  it('does not hide another', () => {
    const text = [
      spec('partitions: 0', 'time: {idleAfter: never}', 'aggregate:'),
      '    - {name: s, window: {tumbling: 1m, allowedLateness: 0s}, measures: {n: count}}',
      '    - {name: t, window: {tumbling: 1m, allowedLateness: 0s}, measures: {n: cuont}}',
      '    - {name: s, window: {tumbling: 1m, allowedLateness: 0s}, measures: {n: count}}',
    ].join('\n');
    expect(problemsOf(text).map((problem) => problem.split(' ').slice(0, 2).join(' '))).toEqual([
      'p.yaml:6:15 spec.partitions:',
      'p.yaml:7:21 spec.time.idleAfter:',
      'p.yaml:10:76 spec.aggregate[1].measures.n:',
      'p.yaml:11:7 spec.aggregate[2]:',
    ]);
  });

  it('of a file that is included is told in that file', () => {
    const rules = [
      'apiVersion: millrace/v1',
      'kind: AlertRules',
      'rules:',
      '  - {name: a, severity: fatal, summary: x, threshold: {series: t, above: 1}, for: -1s}',
      '  - {name: b, severity: info, summary: x, absence: {series: s}}',
    ].join('\n');
    const text = `${series('name: s', WINDOW, 'measures: {n: count}')}\n  alerts: !include rules.yaml`;
    expect(problemsOf(text, { 'rules.yaml': rules })).toEqual([
      "rules.yaml:4:25 rules[0].severity: found 'fatal', wanted one of info, warning, critical",
      'rules.yaml:4:55 rules[0].threshold: found no value, wanted the key value',
      "rules.yaml:4:64 rules[0].threshold.series: found 't', wanted a series: one of s",
      "rules.yaml:4:83 rules[0].for: found '-1s', wanted a duration of 0s or more: a number and ms, s, m, h or d, e.g. 10s",
      'rules.yaml:5:52 rules[1].absence: found no after, wanted the key after',
    ]);
  });

  it('is it to include a file within itself', () => {
    const text = spec('alerts: !include rules.yaml');
    expect(problemsOf(text, { 'rules.yaml': 'rules: !include rules.yaml' })[0]).toContain(
      'p.yaml > rules.yaml',
    );
  });

  it('is what is not YAML', () => {
    expect(problemsOf('spec: [1, 2')).toEqual([expect.stringMatching(/^p\.yaml:1:\d+: found .*YAML: /)]);
    expect(problemsOf(`${HEAD}\n  event: x`)[0]).toMatch(/^p\.yaml:6:3: .*unique/);
  });
});

/** What people and editors do to a file by mistake. */
const mistakes = fc.array(
  fc.record({
    at: fc.nat(),
    kind: fc.constantFrom('remove', 'insert', 'remove-word', 'replace-word', 'remove-line', 'repeat-line'),
    text: fc.constantFrom(
      'x',
      ' ',
      '\n',
      ':',
      '- ',
      '{',
      ']',
      '"',
      '&a ',
      '*a',
      '!include web.yaml',
      '!t ',
      '-1',
      'null',
      '~',
      '__proto__',
      'constructor',
      'geo',
      'hopping: 1m',
      'every: 90s',
      'timeZone: Mars/Base',
      'count',
      'rate',
      '{top: 3, of: path}',
    ),
  }),
  { minLength: 1, maxLength: 3 },
);

function spoil(
  text: string,
  { at, kind, text: inserted }: { at: number; kind: string; text: string },
): string {
  const place = at % (text.length + 1);
  const [before, after] = [text.slice(0, place), text.slice(place)];
  const lines = text.split('\n');
  const line = at % lines.length;
  switch (kind) {
    case 'remove':
      return before + after.slice(1);
    case 'insert':
      return before + inserted + after;
    case 'remove-word':
      return before + after.replace(/\w+/, '');
    case 'replace-word':
      return before + after.replace(/\w+/, () => inserted);
    case 'remove-line':
      return lines.toSpliced(line, 1).join('\n');
    default:
      return lines.toSpliced(line, 0, lines[line]!).join('\n');
  }
}

describe('a spoiled file', () => {
  it('is either usable or refused with problems that point into it', () => {
    const files = { 'web.yaml': shipped('web.yaml').text, 'alerts.yaml': shipped('alerts.yaml').text };
    fc.assert(
      fc.property(mistakes, fc.constantFrom('web.yaml', 'alerts.yaml'), (made, name) => {
        const spoiled: Record<string, string> = {
          ...files,
          [name]: made.reduce(spoil, files[name as keyof typeof files]),
        };
        const include = (file: string): SourceFile | undefined =>
          Object.hasOwn(spoiled, file) ? { file, text: spoiled[file]! } : undefined;
        try {
          parsePipeline({ file: 'web.yaml', text: spoiled['web.yaml']!, include }, SCHEMAS);
        } catch (error) {
          if (!(error instanceof PipelineInvalidError)) throw error;
          for (const { file, line, column } of error.problems) {
            const lines = spoiled[file]!.split('\n');
            expect(line).toBeLessThanOrEqual(lines.length);
            expect(column).toBeLessThanOrEqual(lines[line - 1]!.length + 1);
          }
          expect(error.problems.length).toBeGreaterThan(0);
        }
      }),
    );
  });
});
