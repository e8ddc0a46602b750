import { describe, expect, it } from '@jest/globals';
import { publicEventProblem } from './public-events.js';

const ALERT = {
  ...{ fingerprint: 'f', episode: 'f-1', sequence: 0, rule: 'errors', severity: 'critical', value: null },
  ...{ labels: { stream: 'web', code: 500 }, condition: { kind: 'threshold', above: 0.1 } },
};

describe('data of a public event', () => {
  it('fit their published schema, with fields that it does not know', () => {
    expect(
      publicEventProblem('com.millrace.alert.v1', { ...ALERT, newer: { any: ['thing'] } }),
    ).toBeUndefined();
  });

  it.each([
    ['a text', 'the data: wanted an object, found "a text"'],
    [{ ...ALERT, sequence: 'first' }, 'sequence: wanted long, found "first"'],
    [{ ...ALERT, sequence: 0.5 }, 'sequence: wanted long, found 0.5'],
    [{ ...ALERT, labels: { stream: ['web'] } }, 'labels.stream: wanted null or string or double or boolean'],
    [{ ...ALERT, condition: { above: '0.1' } }, 'condition.above: wanted double, found "0.1"'],
  ])('are refused with the place: %j', (data, problem) => {
    expect(publicEventProblem('com.millrace.alert.v1', data)).toContain(problem);
  });

  it('may hold lists', () => {
    const row = { measures: { paths: [{ value: '/', count: 3 }], p: { '0.5': 1 } }, windowStartMs: 0 };
    expect(publicEventProblem('com.millrace.result.v1', row)).toBeUndefined();
    expect(publicEventProblem('com.millrace.notification.v1', { alerts: [ALERT, { sequence: 'x' }] })).toBe(
      'alerts[1].sequence: wanted long, found "x"',
    );
  });

  it('of other types are not looked at', () => {
    expect(publicEventProblem('shop.order', 'anything')).toBeUndefined();
  });
});
