import { describe, expect, it } from '@jest/globals';
import { shippedSchemas } from '#libs/schema';
import { describeProblem, parsePipeline, PipelineInvalidError, type PipelineDefinition } from '../index.js';

function parse(ingest: string): PipelineDefinition {
  const text = [
    'apiVersion: millrace/v1',
    'kind: Pipeline',
    'metadata: {name: p}',
    'spec:',
    '  event: web-request@1',
    `  ingest: ${ingest}`,
  ].join('\n');
  return parsePipeline({ file: 'p.yaml', text, include: () => undefined }, { schemas: shippedSchemas() });
}

function problemsOf(ingest: string): readonly string[] {
  try {
    parse(ingest);
    return [];
  } catch (error) {
    if (!(error instanceof PipelineInvalidError)) throw error;
    return error.problems.map(describeProblem);
  }
}

const EDGE = '$remote_addr [$time_local] "$request" $status';

describe('logFormats', () => {
  it('may declare formats beside those that have a name', () => {
    const { ingest } = parse(`{logFormats: [combined, {edge: '${EDGE}'}]}`);
    expect(ingest.logFormats.map(({ name }) => name)).toEqual(['combined', 'edge']);
    expect(ingest.logFormats[1]?.template?.variables).toEqual([
      'remote_addr',
      'time_local',
      'request',
      'status',
    ]);
  });

  it.each([
    [
      `{logFormats: [{edge: '${EDGE} $remote_addr'}]}`,
      "p.yaml:6:79 spec.ingest.logFormats[0].edge: found '$remote_addr', wanted $remote_addr is there already",
    ],
    [
      "{logFormats: [{edge: '$remote_addr'}]}",
      "p.yaml:6:33 spec.ingest.logFormats[0].edge: found '$remote_addr', wanted a line needs its time: one of $time_local, $time_iso8601, $msec",
    ],
    [
      `{logFormats: [{edge: '$msec "$request"'}]}`,
      `p.yaml:6:32 spec.ingest.logFormats[0].edge: found '$msec "$request"', wanted $status too: an event of web-request@1 needs it`,
    ],
    [
      `{logFormats: [{json: '${EDGE}'}]}`,
      'p.yaml:6:26 spec.ingest.logFormats[0].json: found the key json, wanted another name: json is a format of its own',
    ],
    [
      '{logFormats: [{edge: 5}]}',
      'p.yaml:6:32 spec.ingest.logFormats[0].edge: found 5, wanted a log_format of nginx, as in "$remote_addr [$time_local] …"',
    ],
    [
      `{logFormats: [{a: '${EDGE}', b: '${EDGE}'}]}`,
      'p.yaml:6:25 spec.ingest.logFormats[0]: found a map, wanted one declared format an item, as in {edge: "$remote_addr …"}',
    ],
  ])('%s is refused with its place', (ingest, problem) => {
    expect(problemsOf(ingest)).toEqual([problem]);
  });
});
