import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import {
  checkExpression,
  compileExpression,
  interpreterOf,
  type NameKind,
  type Scope,
} from './expression.js';

const SCOPE: Scope = new Map<string, NameKind>([
  ['status', 'number'],
  ['bytes', 'number'],
  ['path', 'string'],
  ['referrer', 'string'],
  ['isBot', 'boolean'],
  ['isPageView', 'boolean'],
  ['cart', 'object'],
  ['duration', { numbers: ['p50', 'p95'] }],
]);

type Data = Record<string, unknown>;

function run(text: string, data: Data, wanted: 'number' | 'boolean' = 'boolean'): unknown {
  const compiled = compileExpression(text, SCOPE, wanted);
  if (compiled.kind === 'wrong') throw new Error(compiled.reason);
  return compiled.evaluate(data);
}

describe('an expression', () => {
  const DATA = {
    status: 503,
    bytes: 10,
    path: '/a/b',
    isBot: false,
    cart: { items: 3 },
    duration: { p95: 7 },
  };

  it.each([
    ['status >= 500', true],
    ['status == 503', true],
    ['503 != status', false],
    ['status in [200, 503]', true],
    ['status in [200, 204]', false],
    ['bytes > 9 && bytes < 11', true],
    ['bytes / 4 == 2.5', true],
    ['bytes % 3 == 1', true],
    ['path.startsWith("/a")', true],
    ["path in ['/a', '/b']", false],
    ['path.matches("^/a/.$")', true],
    ['size(path) == 4', true],
    ['!isBot', true],
    ['cart.items == 3', true],
    ['has(cart.items) && !has(cart.coupon)', true],
    ['duration.p95 > 5', true],
    ['isBot ? status > 600 : status > 500', true],
  ])('%s is %s', (text, wanted) => {
    expect(run(text, DATA)).toBe(wanted);
  });

  // X3
  it.each([
    ['referrer == "x"', undefined],
    ['referrer != "x"', undefined],
    ['!isPageView', undefined],
    ['isPageView && !isBot', undefined],
    ['isPageView && isBot', false],
    ['isBot && isPageView', false],
    ['!isBot || isPageView', true],
    ['isPageView || !isBot', true],
    ['isPageView || isBot', undefined],
    ['cart.coupon == "x"', undefined],
    ['duration.p50 > 1', undefined],
    ['isPageView ? true : true', undefined],
  ])('%s over absent fields is %s', (text, wanted) => {
    expect(run(text, DATA)).toBe(wanted);
    expect(run(text, { ...DATA, referrer: null, isPageView: null })).toBe(wanted);
  });

  it.each([
    ['bytes / status', 10 / 503],
    ['-bytes + 1', -9],
    ['bytes * 2', 20],
    ['size(path)', 4],
    ['7 / 2', 3.5],
    ['(1 + 2) / 2 * bytes', 15],
    ['path.substring(1).size() + 1', 4],
    ['-3', -3],
  ])('%s is the number %s', (text, wanted) => {
    expect(run(text, DATA, 'number')).toBe(wanted);
  });

  it.each([
    ['stauts > 5', 0, /^stauts is not one of .*did you mean status/],
    ['status > 5 && pth == ""', 14, /did you mean path/],
    ['status >', 8, /Unexpected token/],
    ['status > "x"', 0, /no such overload: double > string/],
    ['status + 1', 0, /gives a double/],
    ['duration.p99 > 1', 9, /p99/],
    ['duration > 1', 0, /overload/],
  ])('%s is wrong at %i', (text, offset, reason) => {
    expect(compileExpression(text, SCOPE, 'boolean')).toEqual({
      kind: 'wrong',
      offset,
      reason: expect.stringMatching(reason),
    });
  });
});

/** Expressions of the kind that become closures, as texts. */
const expressions = fc.letrec<{ truth: string; number: string; text: string }>((tie) => ({
  number: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    fc.constantFrom('status', 'bytes', 'duration.p50', 'duration.p95'),
    fc.constantFrom('0', '1', '2.5', '500'),
    fc.tuple(tie('number'), fc.constantFrom('+', '-', '*', '/', '%'), tie('number')).map(inBrackets),
    tie('number').map((operand) => `(-(${operand}))`),
  ),
  text: fc.constantFrom('path', 'referrer', '"/a"', '"x"'),
  truth: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    fc.constantFrom('isBot', 'isPageView', 'true', 'false'),
    fc.tuple(tie('number'), fc.constantFrom('==', '!=', '<', '<=', '>', '>='), tie('number')).map(inBrackets),
    fc.tuple(tie('text'), fc.constantFrom('==', '!=', '<', '>='), tie('text')).map(inBrackets),
    fc.tuple(tie('truth'), fc.constantFrom('&&', '||', '==', '!='), tie('truth')).map(inBrackets),
    tie('truth').map((operand) => `!(${operand})`),
    tie('number').map((operand) => `(${operand} in [0, 500, 1])`),
    tie('text').map((operand) => `(${operand} in ["/a", "/b"])`),
    fc
      .tuple(tie('text'), fc.constantFrom('startsWith', 'endsWith', 'contains'))
      .map(([on, test]) => `${on}.${test}("/")`),
  ),
}));

function inBrackets([left, operator, right]: readonly [string, string, string]): string {
  return `(${left} ${operator} ${right})`;
}

function maybe<T>(value: fc.Arbitrary<T>): fc.Arbitrary<T | null | undefined> {
  return fc.oneof({ weight: 3, arbitrary: value }, fc.constantFrom(null, undefined));
}

const numbers = maybe(fc.constantFrom(0, 1, 2.5, -3, 500, 1e300));
const datas = fc.record({
  status: numbers,
  bytes: numbers,
  path: maybe(fc.constantFrom('/a', '/b/', 'x')),
  referrer: maybe(fc.constantFrom('x', '/a')),
  isBot: maybe(fc.boolean()),
  isPageView: maybe(fc.boolean()),
  duration: maybe(fc.record({ p50: numbers, p95: numbers })),
});

describe('a closure', () => {
  it('gives what the library gives, whatever is absent', () => {
    let closures = 0;
    fc.assert(
      fc.property(expressions.truth, fc.array(datas, { minLength: 5, maxLength: 5 }), (text, examples) => {
        const checked = checkExpression(text, SCOPE, 'boolean');
        const compiled = compileExpression(text, SCOPE, 'boolean');
        if (checked.kind === 'wrong' || compiled.kind === 'wrong') throw new Error(`refused: ${text}`);
        closures += compiled.isClosure ? 1 : 0;
        const interpret = interpreterOf(checked);
        for (const data of examples) expect(compiled.evaluate(data)).toBe(interpret(data));
      }),
    );
    // Whole-number arithmetic goes to the library; most of the rest must not, or this compares it with itself.
    expect(closures).toBeGreaterThan(100);
  });

  it.each(['isPageView && !isBot', 'status >= 500', 'status in [404, 410]', 'path.startsWith("/api")'])(
    'is made of %s',
    (text) => {
      expect(compileExpression(text, SCOPE, 'boolean')).toMatchObject({ kind: 'compiled', isClosure: true });
    },
  );
});

describe('a pattern that a text is matched with', () => {
  const reasonOf = (text: string): string | undefined => {
    const compiled = compileExpression(text, SCOPE, 'boolean');
    return compiled.kind === 'wrong' ? compiled.reason : undefined;
  };

  it.each([
    ["path.matches('^/(a+)+$')", 'could take for ever over a long text: a repeated group'],
    ["!isBot && path.matches('(a|ab)*c')", 'a repeated group may hold no repetition and no alternatives'],
    ["path.matches('(.)\\\\1')", 'it may not refer back'],
    ["path.matches('[')", 'Unterminated character class'],
    [`path.matches('${'a'.repeat(201)}')`, 'has 201 characters, at most 200'],
    ['path.matches(referrer)', 'a pattern in quotes'],
    ["path.matches('a' + referrer)", 'a pattern in quotes'],
  ])('is refused: %s', (text, reason) => {
    expect(reasonOf(text)).toContain(reason);
  });

  it('is pointed at', () => {
    const text = "status > 1 && path.matches('(a+)+')";
    expect(compileExpression(text, SCOPE, 'boolean')).toMatchObject({
      kind: 'wrong',
      offset: text.indexOf("'(a"),
    });
  });

  it.each([
    ["path.matches('^/users/[0-9]+(?:/|$)')", '/users/12/x', true],
    ["path.matches('^/users/[0-9]+(?:/|$)')", '/users/12x', false],
    ["path.matches('b+')", 'aabb', true],
    ["[path].exists(each, each.matches('b+'))", 'aabb', true],
  ])('is found or not: %s in %s', (text, path, found) => {
    expect(run(text, { path })).toBe(found);
  });

  it('is looked for in the first 1,000 characters', () => {
    expect(run("path.matches('x$')", { path: `${'a'.repeat(999)}xb` })).toBe(true);
    expect(run("path.matches('b')", { path: `${'a'.repeat(1_000)}b` })).toBe(false);
  });

  it('makes the same of a text, whoever runs it', () => {
    const text = "path.matches('^/a.*b$') || status > 400";
    const checked = checkExpression(text, SCOPE, 'boolean');
    if (checked.kind !== 'checked') throw new Error('it is wrong');
    for (const path of ['/a/b', '/a/c', undefined, `/a${'b'.repeat(2_000)}`])
      for (const status of [200, 500, undefined])
        expect(interpreterOf(checked)({ path, status })).toBe(run(text, { path, status }));
  });
});
