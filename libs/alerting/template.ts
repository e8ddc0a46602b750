import { Environment } from '@marcbachmann/cel-js';
import { formatDuration, type JsonObject } from '#libs/kernel';
import { forbiddenCall, TEMPLATE_FUNCTIONS } from './template-words.js';

// Texts with `{{ expression }}` in CEL (cel.dev): values only, no statements, no access to anything but what is named
// here, no loops, no patterns. An expression that has no value writes nothing; no template can fail, go on for ever or grow without bound.

/** A text that says something else for each alert. */
export interface Template {
  readonly text: string;
  readonly render: (values: TemplateValues) => string;
}

/** What an expression may name. */
export interface TemplateValues {
  readonly value: number | null;
  readonly limit: number | null;
  readonly labels: JsonObject;
  readonly rule: string;
  readonly severity: string;
  readonly status: string;
  readonly pipeline: string;
  /** What the value was made of: `parts.earlier`. */
  readonly parts: JsonObject;
}

export type CompiledTemplate =
  | { readonly kind: 'compiled'; readonly template: Template }
  /** `offset`: of the character where it is wrong. */
  | { readonly kind: 'wrong'; readonly offset: number; readonly reason: string };

const MAX_TEMPLATE_CHARACTERS = 4_000;
const MAX_RENDERED_CHARACTERS = 2_000;

const NAMES = 'value, limit, labels, rule, severity, status, pipeline, parts';

/** Numbers are doubles: `value * 100` is meant to work. */
const ARITHMETIC: Readonly<Record<string, (a: number, b: number) => number>> = {
  '+': (a, b) => a + b,
  '-': (a, b) => a - b,
  '*': (a, b) => a * b,
  '/': (a, b) => a / b,
};

/** Functions: `percent(0.25)` is `25 %`, `fixed(3.14159, 2)` is `3.14`, `millis(90000)` is `90s`. */
function environment(): Environment {
  const env = new Environment({
    homogeneousAggregateLiterals: false,
    limits: { maxAstNodes: 200, maxDepth: 20, maxListElements: 20, maxMapEntries: 20, maxCallArguments: 4 },
  });
  for (const name of ['value', 'limit']) env.registerVariable(name, 'dyn');
  for (const name of ['labels', 'parts']) env.registerVariable(name, 'map');
  for (const name of ['rule', 'severity', 'status', 'pipeline']) env.registerVariable(name, 'string');
  for (const [operator, compute] of Object.entries(ARITHMETIC)) {
    const handler = (a: unknown, b: unknown): number => compute(Number(a), Number(b));
    env.registerOperator(`double ${operator} int`, handler);
    env.registerOperator(`int ${operator} double`, handler);
  }
  env.registerFunction('percent(dyn): string', (share: unknown) => `${rounded(Number(share) * 100, 2)} %`);
  env.registerFunction('fixed(dyn, int): string', (number: unknown, digits: bigint) =>
    Number(number).toFixed(Math.min(20, Math.max(0, Number(digits)))),
  );
  env.registerFunction('millis(dyn): string', (ms: unknown) => formatDuration(Math.round(Number(ms))));
  return env;
}

const ENVIRONMENT = environment();

type Part = string | ((values: TemplateValues) => string);

/** Parses and checks a text. */
export function compileTemplate(text: string): CompiledTemplate {
  if (text.length > MAX_TEMPLATE_CHARACTERS)
    return { kind: 'wrong', offset: 0, reason: `at most ${MAX_TEMPLATE_CHARACTERS} characters` };
  const parts: Part[] = [];
  let at = 0;
  while (at < text.length) {
    const open = text.indexOf('{{', at);
    if (open < 0) break;
    const close = text.indexOf('}}', open);
    if (close < 0) return { kind: 'wrong', offset: open, reason: '{{ is not closed by }}' };
    const part = compilePart(text.slice(open + 2, close));
    if (typeof part !== 'function')
      return { kind: 'wrong', offset: open + 2 + part.offset, reason: part.reason };
    parts.push(text.slice(at, open), part);
    at = close + 2;
  }
  parts.push(text.slice(at));
  return { kind: 'compiled', template: { text, render: (values) => render(parts, values) } };
}

function render(parts: readonly Part[], values: TemplateValues): string {
  const text = parts.map((part) => (typeof part === 'string' ? part : part(values))).join('');
  return text.length <= MAX_RENDERED_CHARACTERS ? text : `${text.slice(0, MAX_RENDERED_CHARACTERS - 1)}…`;
}

function compilePart(
  source: string,
): ((values: TemplateValues) => string) | { readonly offset: number; readonly reason: string } {
  try {
    const run = ENVIRONMENT.parse(source);
    const forbidden = forbiddenCall(run.ast);
    if (forbidden !== undefined)
      return { offset: 0, reason: `${forbidden} can't be called here; there are ${TEMPLATE_FUNCTIONS}` };
    const { valid, error } = run.check();
    if (!valid) return { offset: error?.range?.start ?? 0, reason: reasonOf(error) };
    return (values) => {
      try {
        return written(run({ ...values }));
      } catch {
        return '';
      }
    };
  } catch (error) {
    const range = (error as { range?: { start?: number } }).range;
    return { offset: range?.start ?? 0, reason: reasonOf(error) };
  }
}

function reasonOf(error: unknown): string {
  const summary = (error as { summary?: string } | undefined)?.summary;
  const said = summary ?? (error instanceof Error ? error.message.split('\n')[0] : String(error));
  return `${said ?? 'no expression'}; there are ${NAMES}`;
}

function written(value: unknown): string {
  if (value === null || value === undefined) return '';
  if (typeof value === 'number') return String(rounded(value, 6));
  if (typeof value === 'object') return JSON.stringify(value);
  return String(value);
}

function rounded(value: number, digits: number): number {
  return Number(value.toFixed(digits));
}
