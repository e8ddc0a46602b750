import { expect, test } from '@jest/globals';
import { rowsOfCommit } from '../fixture/own-database.js';
import { outgoingRow, rowOf } from './row-record.js';

const VERSION = { incarnation: 0, epoch: 1, commitSeq: 1 };
const SERIES = { pipeline: 'web', series: 'requests', mode: 'time-series', hasFewKeys: true } as const;

test.each([
  ['in its key', { key: { path: '/\ud800' } }, true],
  ['in a name', { measures: { '\udc00': 1 } }, true],
  ['deep in a measure', { measures: { top: [{ key: 'a\ud83d' }] } }, true],
  ['nowhere', { key: { path: '/\\ud800' }, measures: { top: [{ key: '😀' }] } }, false],
])('a row with half a surrogate pair %s comes back as it was', (_where, fields, isExact) => {
  const row = { ...rowsOfCommit(1, 1)[0]!, ...fields };
  const { record, bytes } = outgoingRow(row, VERSION, SERIES);
  expect(record.exact !== undefined).toBe(isExact);
  expect(rowOf(record, SERIES)).toEqual(row);
  expect(bytes).toBeLessThan(10_000);
});
