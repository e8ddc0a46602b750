import {
  type ASTNode,
  Environment,
  type ParseError,
  type TypeError as CelTypeError,
} from '@marcbachmann/cel-js';
import { closureOf } from './expression-closure.js';
import { nearName } from './near-name.js';

// Expressions are CEL (cel.dev), with three additions to make it fit JSON data:
//   X1. All numbers are doubles, and compare with whole-number literals by every operator.
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

/** Parses and checks an expression, and makes it ready to run. */
export function compileExpression(text: string, scope: Scope, wanted: 'number' | 'boolean'): Compiled {
  const { environment, aliases } = environmentOf(scope);
  try {
    const parsed = environment.parse(text);
    const names = nameFields(parsed.ast, aliases);
    const { valid, type, error } = parsed.check();
    if (!valid) return wrong(error!, scope);
    const isWanted = wanted === 'boolean' ? type === 'bool' : type === 'double' || type === 'int';
    if (!isWanted) return { kind: 'wrong', offset: 0, reason: `it gives a ${type}` };
    const closure = closureOf(parsed.ast, aliases);
    if (closure !== undefined) return { kind: 'compiled', evaluate: closure, isClosure: true };
    return { kind: 'compiled', evaluate: interpreted(parsed, names), isClosure: false };
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
  forEachId(ast, (node) => {
    const inside = insideNames.get(node.args);
    if (inside === undefined) return;
    used.set(inside, node.args);
    node.args = inside;
  });
  return used;
}

function forEachId(part: unknown, visit: (node: { args: string }) => void): void {
  if (Array.isArray(part)) {
    for (const each of part) forEachId(each, visit);
  } else if (typeof part === 'object' && part !== null && 'op' in part && 'args' in part) {
    if (part.op === 'id') visit(part as { args: string });
    else forEachId(part.args, visit);
  }
}

/** X3, by the library: what is absent is not shown to it, and so makes an error where it is used. */
function interpreted(
  parsed: (context: Record<string, unknown>) => unknown,
  names: ReadonlyMap<string, string>,
): Evaluate {
  return (data) => {
    const context: Record<string, unknown> = {};
    for (const [inside, name] of names) {
      const value = data[name];
      if (value !== undefined && value !== null) context[inside] = value;
    }
    try {
      const value = parsed(context);
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

function wrong(error: CelError, scope: Scope): Compiled {
  const offset = error.range?.start ?? 0;
  const unknown = /^Unknown variable: (\w+)$/.exec(error.summary)?.[1];
  if (unknown === undefined) return { kind: 'wrong', offset, reason: error.summary };
  const meant = nearName(unknown, scope.keys());
  const hint = meant === undefined ? '' : ` (did you mean ${meant}?)`;
  return { kind: 'wrong', offset, reason: `${unknown} is not one of ${[...scope.keys()].join(', ')}${hint}` };
}
