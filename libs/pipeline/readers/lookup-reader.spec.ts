import { describe, expect, it } from '@jest/globals';
import { shippedSchemas } from '#libs/schema';
import { parsePipeline, PipelineInvalidError } from '../index.js';

function wrongKeysOf(lookup: string): readonly string[] {
  const text = [
    'apiVersion: millrace/v1',
    'kind: Pipeline',
    'metadata: {name: p}',
    'spec:',
    '  event: web-request@1',
    '  enrich:',
    `    - lookup: ${lookup}`,
  ].join('\n');
  try {
    parsePipeline({ file: 'p.yaml', text, include: () => undefined }, { schemas: shippedSchemas() });
    return [];
  } catch (error) {
    if (!(error instanceof PipelineInvalidError)) throw error;
    return error.problems.map(({ path }) => path.replace('spec.enrich[0].lookup.', ''));
  }
}

describe('a look-up', () => {
  it('is told everything that is wrong with it at once', () => {
    const wrong = "{from: nobody, source: 'ftp://x', select: {}, timeout: 11s, batch: 0, onMiss: die}";
    expect(wrongKeysOf(wrong)).toEqual(['from', 'source', 'select', 'timeout', 'batch', 'onMiss']);
    expect(wrongKeysOf("{from: userId, source: 'http://ann:word@x/{key}', select: [plan]}")).toEqual([]);
  });
});
