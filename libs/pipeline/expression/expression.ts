import {
  type ASTNode,
  Environment,
  type ParseError,
  type TypeError as CelTypeError,
} from '@marcbachmann/cel-js';
import { closureOf } from './expression-closure.js';
import { nearName } from '../settings/near-name.js';
import { MATCHES_PATTERN, matchesPattern, textPatternProblem } from './text-pattern.js';

// Expressions are CEL (cel.dev), with three additions to make it fit JSON data:
//   X1. Numbers are doubles, whole-number literals in arithmetic too; every operator takes them.
//   X2. A field may have a name that CEL gives to a type (`bytes`, `duration`): the field wins.
//   X3. A field that is absent (not there, or null) makes the part it stands in unknown. `&&` and `||` go by
//       the other side where that decides, as CEL says; what stays unknown at the end has no value.

/** What a name stands for: a kind of value, or a record of numbers (`duration.p95`). */
export type NameKind = 'string' | 'number' | 'boolean' | 'object' | { readonly numbers: readonly string[] };

/** The names that an expression may use. */
export type Scope = ReadonlyMap<string, NameKind>;

/** Computes an expression over data; undefined: it has no value, see X3. Never throws. */
export type Evaluate = (data: Readonly<Record<string, unknown>>) => unknown;

export type Compiled =
  | { readonly kind: 'compiled'; readonly evaluate: Evaluate; readonly isClosure: boolean }
  /** `offset`: of the character where it is wrong. */
  | { readonly kind: 'wrong'; readonly offset: number; readonly reason: string };

const CEL_TYPES = { string: 'string', number: 'double', boolean: 'bool', object: 'map' } as const;

const TYPES_OF: Readonly<Record<'number' | 'boolean' | 'string', readonly string[]>> = {
  number: ['double', 'int'],
  boolean: ['bool'],
  string: ['string'],
};

/** Parses and checks an expression, and makes it ready to run. */
export function compileExpression(
  text: string,
  scope: Scope,
  wanted: 'number' | 'boolean' | 'string',
): Compiled {
  const checked = checkExpression(text, scope, wanted);
  if (checked.kind === 'wrong') return checked;
  const closure = closureOf(checked.ast, checked.aliases);
  return { kind: 'compiled', evaluate: closure ?? interpreterOf(checked), isClosure: closure !== undefined };
}

/** An expression that is right. */
export interface Checked extends Names {
  readonly kind: 'checked';
  readonly ast: ASTNode;
  readonly run: (context: Record<string, unknown>) => unknown;
  /** The fields it uses: from the name inside CEL to the name of the field. */
  readonly used: ReadonlyMap<string, string>;
}

export function checkExpression(
  text: string,
  scope: Scope,
  wanted: 'number' | 'boolean' | 'string',
): Checked | (Compiled & { kind: 'wrong' }) {
  const { environment, aliases } = environmentOf(scope);
  try {
    const run = environment.parse(text);
    const problem = takePatterns(run.ast);
    if (problem !== undefined) return problem;
    const used = nameFields(run.ast, aliases);
    const { valid, type, error } = run.check();
    if (!valid) return wrong(error!, scope);
    const isWanted = TYPES_OF[wanted].includes(type ?? '');
    if (!isWanted) return { kind: 'wrong', offset: 0, reason: `this one gives a ${type}` };
    return { kind: 'checked', ast: run.ast, run, used, environment, aliases };
  } catch (error) {
    if (isCelError(error)) return wrong(error, scope);
    throw error;
  }
}

interface Names {
  readonly environment: Environment;
  /** From the name inside CEL to the name of the field. */
  readonly aliases: ReadonlyMap<string, string>;
}

function environmentOf(scope: Scope): Names {
  const environment = new Environment();
  const aliases = new Map<string, string>();
  for (const [name, kind] of scope) {
    if (!/^[A-Za-z_]\w*$/.test(name) || WORDS.has(name)) continue;
    const alias = environment.hasVariable(name) ? `_${name}` : name;
    if (scope.has(alias) && alias !== name) continue;
    aliases.set(alias, name);
    if (typeof kind === 'string') environment.registerVariable(alias, CEL_TYPES[kind]);
    else
      environment.registerVariable(alias, {
        schema: Object.fromEntries(kind.numbers.map((each) => [each, 'double'])),
      });
  }
  registerNumbers(environment);
  environment.registerFunction(`string.${MATCHES_PATTERN}(string): bool`, matchesPattern);
  return { environment, aliases };
}

/** Words of CEL's grammar: a field of such a name can't be used in an expression. */
const WORDS = new Set(
  (
    'true false null in as break const continue else for function if import let loop package namespace return var ' +
    'void while __proto__ prototype'
  ).split(' '),
);

/** X1. CEL itself compares doubles with whole numbers only by `<`, `<=`, `>`, `>=`. */
function registerNumbers(environment: Environment): void {
  const toNumber = (value: unknown): number => Number(value);
  environment.registerOperator('double == int', (a, b) => toNumber(a) === toNumber(b));
  environment.registerOperator('double in list<int>', (a, list: unknown[]) =>
    list.some((b) => toNumber(b) === toNumber(a)),
  );
  environment.registerOperator('double % double', (a: number, b: number) => a % b);
  const arithmetic: Record<string, (a: number, b: number) => number> = {
    '+': (a, b) => a + b,
    '-': (a, b) => a - b,
    '*': (a, b) => a * b,
    '/': (a, b) => a / b,
    '%': (a, b) => a % b,
  };
  for (const [operator, compute] of Object.entries(arithmetic)) {
    const handler = (a: unknown, b: unknown): number => compute(toNumber(a), toNumber(b));
    environment.registerOperator(`double ${operator} int`, handler);
    environment.registerOperator(`int ${operator} double`, handler);
  }
}

/** X2. Gives fields the name that they have inside, and tells which fields are used. */
function nameFields(ast: ASTNode, aliases: Names['aliases']): ReadonlyMap<string, string> {
  const insideNames = new Map([...aliases].map(([inside, name]) => [name, inside]));
  const used = new Map<string, string>();
  forEachNode(ast, (node) => {
    if (ARITHMETIC.has(node.op)) readAsDoubles(node);
    const inside = node.op === 'id' ? insideNames.get(node.args as string) : undefined;
    if (inside === undefined) return;
    used.set(inside, node.args as string);
    node.args = inside;
  });
  return used;
}

/** Looks at the patterns that texts are matched with, and has them matched with care. */
function takePatterns(ast: ASTNode): (Compiled & { kind: 'wrong' }) | undefined {
  const problems: (Compiled & { kind: 'wrong' })[] = [];
  forEachNode(ast, (node) => {
    const [name, , [pattern] = []] = node.op === 'rcall' ? (node.args as PatternCall) : [];
    if (name !== 'matches' || pattern === undefined) return;
    const reason = patternReason(pattern);
    if (reason === undefined) (node.args as [string])[0] = MATCHES_PATTERN;
    else problems.push({ kind: 'wrong', offset: (pattern as ASTNode).range.start, reason });
  });
  return problems[0];
}

function patternReason({ op, args }: OpenNode): string | undefined {
  const isText = op === 'value' && typeof args === 'string';
  return isText ? textPatternProblem(args) : 'matches takes a pattern in quotes, no other';
}

type PatternCall = readonly [name: string, on: OpenNode, args: readonly OpenNode[]] | readonly [];

const ARITHMETIC = new Set(['+', '-', '*', '/', '%', '-_']);

/** X1. Else `1 / 2` would be 0. */
function readAsDoubles(node: OpenNode): void {
  for (const operand of [node.args].flat() as OpenNode[]) {
    if (operand.op === 'value' && typeof operand.args === 'bigint') operand.args = Number(operand.args);
  }
}

/** A node before it is checked: it may still be changed. */
interface OpenNode {
  readonly op: string;
  args: unknown;
}

function forEachNode(part: unknown, visit: (node: OpenNode) => void): void {
  if (Array.isArray(part)) {
    for (const each of part) forEachNode(each, visit);
  } else if (typeof part === 'object' && part !== null && 'op' in part && 'args' in part) {
    visit(part as OpenNode);
    if (part.op !== 'id') forEachNode(part.args, visit);
  }
}

/** X3, by the library: what is absent is not shown to it, and so makes an error where it is used. */
export function interpreterOf({ run, used }: Pick<Checked, 'run' | 'used'>): Evaluate {
  return (data) => {
    const context: Record<string, unknown> = {};
    for (const [inside, name] of used) {
      const value = data[name];
      if (value !== undefined && value !== null) context[inside] = value;
    }
    try {
      const value = run(context);
      return typeof value === 'bigint' ? Number(value) : value;
    } catch {
      return undefined;
    }
  };
}

type CelError = ParseError | CelTypeError;

function isCelError(error: unknown): error is CelError {
  return error instanceof Error && 'summary' in error && 'range' in error;
}

function wrong(error: CelError, scope: Scope): Compiled & { kind: 'wrong' } {
  const offset = error.range?.start ?? 0;
  const unknown = /^Unknown variable: (\w+)$/.exec(error.summary)?.[1];
  if (unknown === undefined) return { kind: 'wrong', offset, reason: error.summary };
  const meant = nearName(unknown, scope.keys());
  const hint = meant === undefined ? '' : ` (did you mean ${meant}?)`;
  return { kind: 'wrong', offset, reason: `${unknown} is not one of ${[...scope.keys()].join(', ')}${hint}` };
}
