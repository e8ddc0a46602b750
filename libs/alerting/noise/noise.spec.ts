import { describe, expect, it } from '@jest/globals';
import { compileTemplate } from '../template.js';
import { inhibitorsOf } from './inhibition.js';
import { isMaintenance, type MaintenanceWindow } from './maintenance.js';
import { matcherProblem, matchesAll, parseMatcher, writeMatcher } from './matcher.js';

const ALERT = {
  labels: { stream: 'web', status: 503 },
  rule: 'r',
  severity: 'critical',
  pipeline: 'p',
} as const;

describe('a matcher', () => {
  it.each([
    ['stream=web', true],
    ['stream=we', false],
    ['stream=~we.', true],
    ['stream=~e', false],
    ['stream!=web', false],
    ['stream!~x.*', true],
    ['status=503', true],
    ['severity=critical', true],
    ['rule=r', true],
    ['gone=', true],
    ['gone!=x', true],
  ])('%s: %s', (text, fits) => {
    expect(matchesAll([parseMatcher(text)!], ALERT)).toBe(fits);
  });

  it.each(['stream=web', 'a!=b c', 'a=~b.*', 'a!~b'])('%s is written as it is read', (text) => {
    expect(writeMatcher(parseMatcher(text)!)).toBe(text);
  });

  it('is refused where it can not be', () => {
    expect(parseMatcher('stream')).toBeUndefined();
    expect(matcherProblem({ name: 'a', value: '(', isRegex: true })).toMatch(/nterminated|nvalid/);
    expect(matcherProblem({ name: 'a b', value: '' })).toMatch(/no name/);
  });
});

describe('a pattern', () => {
  it.each([
    '(x+)+',
    '((x+))+',
    '(?:x*y)*',
    '(a|a)*',
    '(a|ab)+c',
    '(?<n>x+){2,}',
    '((a|b)c)+',
    '([)]+)+',
    '(a)\\1',
  ])('that a text could be made for is refused: %s', (value) => {
    expect(matcherProblem({ name: 'a', value, isRegex: true })).toMatch(/repe|refer/);
  });

  it.each([
    'web.*',
    '(web|shop)-\\d+',
    '(ab)+',
    '[a+]+',
    '\\(x+\\)+',
    '(x+)?',
    'a{2}b{3,}',
    '(?:/v1)?/pay.*',
  ])('that is quick with any is taken: %s', (value) => {
    expect(matcherProblem({ name: 'a', value, isRegex: true })).toBeUndefined();
  });

  it('sees the beginning of what is very long', () => {
    const long = { ...ALERT, labels: { stream: 'x'.repeat(100_000) } };
    expect(matchesAll([{ name: 'stream', value: 'x*.*x*.*x*', isRegex: true }], long)).toBe(true);
  });
});

describe('maintenance', () => {
  const night: MaintenanceWindow = {
    ...{ name: 'night', matchers: [], days: ['sun'], timeZone: 'Europe/Prague' },
    ...{ fromMinute: 23 * 60, toMinute: 3 * 60 },
  };
  //  29 March 2026 is a Sunday: clocks go from 02:00 to 03:00. 25 October: from 03:00 back to 02:00.
  it.each([
    ['2026-03-29T20:59:00Z', false],
    ['2026-03-29T21:00:00Z', true],
    ['2026-03-30T00:59:00Z', true],
    ['2026-03-30T01:00:00Z', false],
    ['2026-10-25T21:59:00Z', false],
    ['2026-10-25T22:00:00Z', true],
    ['2026-10-26T01:59:00Z', true],
    ['2026-10-26T02:00:00Z', false],
    ['2026-10-26T22:30:00Z', false],
  ])('by the clock of its place, over midnight, at %s: %s', (at, isOn) => {
    expect(isMaintenance(night, Date.parse(at))).toBe(isOn);
  });

  it('may be every day, and all of it', () => {
    const all = { ...night, days: [], fromMinute: 0, toMinute: 24 * 60 };
    expect(isMaintenance(all, 0)).toBe(true);
  });
});

describe('inhibition', () => {
  const alert = (fingerprint: string, rule: string, stream: string) =>
    ({ ...ALERT, fingerprint, rule, labels: { stream } }) as const;
  const inhibition = {
    source: [{ name: 'rule', value: 'root|both', isRegex: true }],
    target: [{ name: 'rule', value: 'leaf|both', isRegex: true }],
    equal: ['stream'],
  };

  it('needs the same values', () => {
    const firing = [alert('1', 'root', 'a'), alert('2', 'root', 'b')];
    expect(
      inhibitorsOf([inhibition], alert('3', 'leaf', 'a'), firing).map((each) => each.fingerprint),
    ).toEqual(['1']);
    expect(inhibitorsOf([inhibition], alert('3', 'other', 'a'), firing)).toEqual([]);
  });

  it('is not of oneself, nor of one of its like', () => {
    const both = alert('1', 'both', 'a');
    expect(inhibitorsOf([inhibition], both, [both, alert('2', 'both', 'a')])).toEqual([]);
    expect(inhibitorsOf([inhibition], both, [alert('3', 'root', 'a')])).toHaveLength(1);
  });
});

describe('a template', () => {
  const values = {
    ...{ value: 0.256, limit: 0.1, labels: { stream: 'web' }, rule: 'r', severity: 'info', status: 'firing' },
    ...{ pipeline: 'p', parts: { now: 5 } },
  };
  it.each([
    ['plain', 'plain'],
    ['{{ percent(value) }} of {{labels.stream}}', '25.6 % of web'],
    ['{{ value * 100 }} and {{ fixed(value, 1) }}', '25.6 and 0.3'],
    ['{{ value > limit ? "bad" : "good" }}', 'bad'],
    ['{{ labels.gone }}.', '.'],
    ['{{ parts.now }}', '5'],
    ['{{ millis(90000) }}', '90s'],
    ['<b>{ {{rule}} }</b>', '<b>{ r }</b>'],
  ])('%s says %s', (text, said) => {
    const compiled = compileTemplate(text);
    expect(compiled.kind === 'compiled' ? compiled.template.render(values) : compiled).toBe(said);
  });

  it.each([
    ['{{ valu }}', 3],
    ['a {{ value', 2],
    ['{{ }}', 3],
    ['x'.repeat(5_000), 0],
  ])('%.20s is refused at its place', (text, offset) => {
    expect(compileTemplate(text)).toMatchObject({ kind: 'wrong', offset });
  });

  it.each([
    ['{{ labels.stream.matches("(a+)+$") }}', 'matches'],
    ['{{ labels.stream.split("").map(a, labels.stream.split("")) }}', 'map'],
    ['{{ [1, 2].exists(x, x > 1) }}', 'exists'],
    ['{{ percent(size([1].filter(x, true))) }}', 'filter'],
    ['{{ value > 1 ? cel.bind(x, 1, x) : 2 }}', 'bind'],
  ])('%s is refused: it could go on for ever', (text, word) => {
    const compiled = compileTemplate(text);
    expect(compiled).toMatchObject({ kind: 'wrong', reason: expect.stringContaining(word) });
  });

  it.each(['constructor', '__proto__', 'toString', 'hasOwnProperty'])('knows nothing of %s', (name) => {
    for (const text of [
      `{{ labels.${name} }}`,
      `{{ labels["${name}"] }}`,
      `{{ parts["${name}"]["constructor"] }}`,
    ]) {
      const compiled = compileTemplate(text);
      expect(compiled.kind === 'compiled' ? compiled.template.render(values) : '').toBe('');
    }
  });

  it('never grows without bound', () => {
    const compiled = compileTemplate('{{ labels.stream }}');
    const long = { ...values, labels: { stream: 'x'.repeat(100_000) } };
    expect(compiled.kind === 'compiled' && compiled.template.render(long).length).toBe(2_000);
  });
});
