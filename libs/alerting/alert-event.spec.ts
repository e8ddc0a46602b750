import { describe, expect, it } from '@jest/globals';
import { alertEvent, alertEventId, alertRemovedEvent } from './alert-event.js';
import { alertFingerprint } from './alert-identity.js';
import type { AlertRule } from './alert-rule.js';
import { sampleValue } from './alert-sample.js';
import type { AlertTransition } from './alert-state.js';

const RULE: AlertRule = {
  name: 'high-error-ratio',
  severity: 'critical',
  summary: 'More than one request in ten fails',
  series: 'requests_per_minute',
  condition: {
    kind: 'threshold',
    expression: 'errors / requests',
    value: ({ errors, requests }) => Number(errors) / Number(requests),
    direction: 'above',
    limit: 0.1,
  },
  forMs: 60_000,
  minSamples: { measure: 'requests', atLeast: 20 },
  noDataAfterMs: 300_000,
  notifyWithinMs: 3_600_000,
};
const SUBJECT = { pipeline: 'web', rule: RULE, labels: { stream: 'demo' } };
const FIRED: AlertTransition = {
  from: 'pending',
  to: 'firing',
  reason: 'held',
  atMs: 180_000,
  value: 0.25,
  episode: { startMs: 60_000, breachedSinceMs: 120_000, firedMs: 180_000, transitions: 2 },
  sequence: 1,
};

describe('a fingerprint', () => {
  it('stays what it was in every version', () => {
    expect(alertFingerprint('web', 'high-error-ratio', { stream: 'demo' })).toBe(
      'ad26d1b19b1e1295e3bca29c4dcedf1d',
    );
  });

  it('does not depend on the order of labels, but on everything else', () => {
    const one = alertFingerprint('web', 'r', { stream: 's', path: '/a' });
    expect(alertFingerprint('web', 'r', { path: '/a', stream: 's' })).toBe(one);
    expect(alertFingerprint('web', 'r', { path: '/b', stream: 's' })).not.toBe(one);
    expect(alertFingerprint('web', 'q', { path: '/a', stream: 's' })).not.toBe(one);
    expect(alertFingerprint('app', 'r', { path: '/a', stream: 's' })).not.toBe(one);
  });
});

describe('the event of a transition', () => {
  const event = alertEvent(SUBJECT, FIRED, 200_000);

  it('says all there is to say', () => {
    const fingerprint = alertFingerprint('web', 'high-error-ratio', { stream: 'demo' });
    expect(event).toEqual({
      fingerprint,
      episode: `${fingerprint}-60000`,
      sequence: 1,
      pipeline: 'web',
      rule: 'high-error-ratio',
      severity: 'critical',
      summary: 'More than one request in ten fails',
      labels: { stream: 'demo' },
      from: 'pending',
      status: 'firing',
      reason: 'held',
      since: '1970-01-01T00:03:00.000Z',
      startedAt: '1970-01-01T00:01:00.000Z',
      firedAt: '1970-01-01T00:03:00.000Z',
      value: 0.25,
      condition: { kind: 'threshold', series: 'requests_per_minute', value: 'errors / requests', above: 0.1 },
    });
    expect(alertEventId(event)).toBe(`${fingerprint}-60000/1`);
  });

  it.each([
    [180_000 + 3_600_000, undefined],
    [180_001 + 3_600_000, true],
  ])('at %i of the wall clock is historical: %s', (nowMs, historical) => {
    expect(alertEvent(SUBJECT, FIRED, nowMs).historical).toBe(historical);
  });

  it('goes on in number when the rule is removed', () => {
    expect(alertRemovedEvent(event, 240_000)).toMatchObject({
      sequence: 2,
      episode: event.episode,
      from: 'firing',
      status: 'resolved',
      reason: 'rule-removed',
      resolvedAt: '1970-01-01T00:04:00.000Z',
    });
    expect(alertRemovedEvent({ ...event, status: 'pending' }, 240_000).status).toBe('inactive');
  });
});

describe('a row', () => {
  it.each([
    [{ errors: 5, requests: 20 }, 0.25],
    [{ errors: 5, requests: 19 }, undefined],
    [{ errors: 5 }, undefined],
    [{ requests: 20 }, undefined],
    [{ errors: 5, requests: 'many' }, undefined],
  ])('of %j gives %s', (measures, value) => {
    expect(sampleValue(RULE, measures)).toBe(value);
  });

  it('that divides by zero gives nothing', () => {
    const few = { ...RULE, minSamples: { measure: 'errors', atLeast: 1 } };
    expect(sampleValue(few, { errors: 1, requests: 0 })).toBeUndefined();
  });
});
