/** Functions that a template may call. None takes longer than its arguments are long. */
const FUNCTIONS = new Set([
  ...['percent', 'fixed', 'millis', 'size', 'string', 'int', 'double', 'has'],
  ...['contains', 'startsWith', 'endsWith', 'lowerAscii', 'upperAscii', 'trim'],
]);
const CALLS = new Set(['call', 'rcall']);

/** A function that a parsed expression calls and a template must not; undefined: there is none. */
export function forbiddenCall(part: unknown): string | undefined {
  if (Array.isArray(part)) return firstOf(part);
  if (!isNode(part)) return undefined;
  const name = calledBy(part);
  return name !== undefined && !FUNCTIONS.has(name) ? name : forbiddenCall(part.args);
}

/** As people are told. */
export const TEMPLATE_FUNCTIONS = [...FUNCTIONS].join(', ');

interface ExpressionNode {
  readonly op: string;
  readonly args: unknown;
}

/** A part of an expression that holds others. */
function isNode(part: unknown): part is ExpressionNode {
  if (typeof part !== 'object' || part === null || !('op' in part) || !('args' in part)) return false;
  return part.op !== 'id' && part.op !== 'value';
}

function calledBy({ op, args }: ExpressionNode): string | undefined {
  return CALLS.has(op) && Array.isArray(args) ? String(args[0]) : undefined;
}

function firstOf(parts: readonly unknown[]): string | undefined {
  for (const part of parts) {
    const found = forbiddenCall(part);
    if (found !== undefined) return found;
  }
  return undefined;
}
