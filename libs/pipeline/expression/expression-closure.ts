import type { ASTNode } from '@marcbachmann/cel-js';
import type { Evaluate } from './expression.js';
import { MATCHES_PATTERN, matchesPattern } from './text-pattern.js';

// The library runs a checked expression fast while all fields are there, but throws for an absent one, which costs
// a hundred times as much. So the usual expressions become plain closures, in which an absent field is undefined and
// goes through. Both ways agree: the property test in expression.spec.ts runs them side by side.

type Data = Readonly<Record<string, unknown>>;
type Aliases = ReadonlyMap<string, string>;

/** A closure for the expression; undefined: it uses more than comparisons, logic, arithmetic of doubles, `in` and prefixes. */
export function closureOf(node: ASTNode, aliases: Aliases): Evaluate | undefined {
  switch (node.op) {
    case 'value':
      return literal(node.args);
    case 'id':
      return field(node.args, aliases);
    case '.':
      return member(node, node.args, aliases);
    case '!_':
      return negation(closureOf(node.args, aliases));
    case '-_':
      return typeOf(node) === 'double' ? minus(closureOf(node.args, aliases)) : undefined;
    case 'rcall':
      return textTest(node.args, aliases);
    case 'in':
      return membership(node.args, aliases);
    default:
      return node.op in BINARY ? binary(node, aliases) : undefined;
  }
}

function literal(value: unknown): Evaluate | undefined {
  if (typeof value === 'bigint') {
    const number = Number(value);
    return Number.isSafeInteger(number) ? () => number : undefined;
  }
  return ['number', 'string', 'boolean'].includes(typeof value) ? () => value : undefined;
}

function field(inside: string, aliases: Aliases): Evaluate | undefined {
  const name = aliases.get(inside);
  return name === undefined ? undefined : (data) => data[name] ?? undefined;
}

/** Only members whose kind is known beforehand: those of a record of numbers. */
function member(node: ASTNode, [of, name]: [ASTNode, string], aliases: Aliases): Evaluate | undefined {
  const record = typeOf(node) === 'double' ? closureOf(of, aliases) : undefined;
  return record && ((data) => (record(data) as Data | undefined)?.[name] ?? undefined);
}

function negation(operand: Evaluate | undefined): Evaluate | undefined {
  return (
    operand &&
    ((data) => {
      const value = operand(data);
      return value === undefined ? undefined : !(value as boolean);
    })
  );
}

function minus(operand: Evaluate | undefined): Evaluate | undefined {
  return (
    operand &&
    ((data) => {
      const value = operand(data);
      return value === undefined ? undefined : -(value as number);
    })
  );
}

const TEXT_TESTS: Readonly<Record<string, (text: string, part: string) => boolean>> = {
  startsWith: (text, part) => text.startsWith(part),
  endsWith: (text, part) => text.endsWith(part),
  contains: (text, part) => text.includes(part),
  [MATCHES_PATTERN]: matchesPattern,
};

function textTest([name, on, args]: [string, ASTNode, ASTNode[]], aliases: Aliases): Evaluate | undefined {
  const test = TEXT_TESTS[name];
  const part = args[0];
  if (test === undefined || args.length !== 1 || typeOf(on) !== 'string' || part?.op !== 'value')
    return undefined;
  const text = closureOf(on, aliases);
  const wanted = String(part.args);
  return (
    text &&
    ((data) => {
      const value = text(data);
      return value === undefined ? undefined : test(value as string, wanted);
    })
  );
}

function membership([left, right]: [ASTNode, ASTNode], aliases: Aliases): Evaluate | undefined {
  const operand = closureOf(left, aliases);
  if (operand === undefined || right.op !== 'list') return undefined;
  const literals = right.args.map((each) => (each.op === 'value' ? literal(each.args)?.({}) : undefined));
  if (literals.includes(undefined)) return undefined;
  return (data) => {
    const value = operand(data);
    return value === undefined ? undefined : literals.includes(value);
  };
}

type Combine = (left: Evaluate, right: Evaluate) => Evaluate;

/** Unknown as soon as one side is. */
function strict(compute: (a: never, b: never) => unknown): Combine {
  return (left, right) => (data) => {
    const a = left(data);
    if (a === undefined) return undefined;
    const b = right(data);
    return b === undefined ? undefined : compute(a as never, b as never);
  };
}

/** X3: the one value that decides alone does so on either side. */
function logic(deciding: boolean): Combine {
  return (left, right) => (data) => {
    const a = left(data);
    if (a === deciding) return deciding;
    const b = right(data);
    return b === deciding ? deciding : a === undefined ? undefined : b;
  };
}

const BINARY: Readonly<Record<string, Combine>> = {
  '&&': logic(false),
  '||': logic(true),
  '==': strict((a: unknown, b: unknown) => a === b),
  '!=': strict((a: unknown, b: unknown) => a !== b),
  '<': strict((a: number, b: number) => a < b),
  '<=': strict((a: number, b: number) => a <= b),
  '>': strict((a: number, b: number) => a > b),
  '>=': strict((a: number, b: number) => a >= b),
  '+': strict((a: number, b: number) => a + b),
  '-': strict((a: number, b: number) => a - b),
  '*': strict((a: number, b: number) => a * b),
  '/': strict((a: number, b: number) => a / b),
  '%': strict((a: number, b: number) => a % b),
};

const ARITHMETIC = new Set(['+', '-', '*', '/', '%']);

function binary(node: ASTNode, aliases: Aliases): Evaluate | undefined {
  // Whole-number arithmetic of CEL rounds and overflows; it is left to the library.
  if (ARITHMETIC.has(node.op) && typeOf(node) !== 'double') return undefined;
  const [leftNode, rightNode] = node.args as [ASTNode, ASTNode];
  // A member of an object may be of any kind at run time; so is compared by the library.
  if (![leftNode, rightNode].every((side) => SIMPLE_TYPES.has(typeOf(side)))) return undefined;
  const left = closureOf(leftNode, aliases);
  const right = closureOf(rightNode, aliases);
  return left && right && BINARY[node.op]!(left, right);
}

const SIMPLE_TYPES = new Set<string | undefined>(['double', 'int', 'string', 'bool']);

/** The type that checking has found, by CEL's name. */
function typeOf(node: ASTNode): string | undefined {
  return (node as { checkedType?: { name: string } }).checkedType?.name;
}
