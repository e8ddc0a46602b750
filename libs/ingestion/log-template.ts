import type { JsonValue } from '#libs/kernel';
import { readRecord } from './json-line.js';
import { type ParsedLine, rejectedLine, shown } from './parsed-line.js';
import { closingQuote, unescapeQuoted } from './quoted-text.js';
import { CLF_TIME_LENGTH } from './timestamp.js';

// A format that is declared as nginx's `log_format` is: text with $variables. A line is read from left to right; a value
// ends where the text behind its variable is first found, so that every character is looked at once or twice. Values that
// hold spaces by their nature (lists, times, request lines) are read to their own end.

/** How nginx has escaped the values: `\xHH` (its default), as in JSON, or not at all. */
export type LogEscape = 'default' | 'json' | 'none';

/** A declared format, ready to read lines. */
export interface LogTemplate {
  /** As it was declared. */
  readonly source: string;
  /** The variables in their order, without `$`. */
  readonly variables: readonly string[];
  parse(text: string, format: string): ParsedLine;
}

export type CompiledLogTemplate =
  | { readonly kind: 'compiled'; readonly template: LogTemplate }
  /** `offset`: of the character where it is wrong. */
  | { readonly kind: 'wrong'; readonly offset: number; readonly reason: string };

interface Part {
  readonly variable: string;
  /** The text behind the variable; empty only at the end, and before a path. */
  readonly until: string;
  /** A path follows at once: `$host$request_uri`. */
  readonly isPathNext: boolean;
  /** Stands between quotes, in which a backslash may escape one. */
  readonly isQuoted: boolean;
  /** The variable behind this one has a length of its own: what must stand after it. */
  readonly clfTimeUntil?: string;
}

interface Shape {
  readonly escape: LogEscape;
  readonly head: string;
  readonly parts: readonly Part[];
}

/** The most characters of a declared format, and the most variables in it. */
const MAX_TEMPLATE_LENGTH = 8_192;
const MAX_VARIABLES = 100;
const TIME_VARIABLES = ['time_local', 'time_iso8601', 'msec'];
/** Their values begin with a slash. */
const PATH_VARIABLES = ['request_uri', 'uri', 'document_uri'];
/** Of a request that went to several servers nginx writes a list, with `, ` and ` : ` between them; proxies with the former. */
const LIST_VARIABLE = /^(?:upstream_\w+|http_x_forwarded_for|proxy_add_x_forwarded_for)$/;
const VARIABLE = String.raw`\$(?:([A-Za-z_]\w*)|\{([A-Za-z_]\w*)\})`;
const ESCAPE = /^\s*escape=(\w+)\s+/;

/**
 * Compiles a `log_format` string, e.g. `$remote_addr [$time_local] "$request" $status`. `escape=json` or `escape=none`
 * may stand in front, as in nginx's own directive.
 */
export function compileLogTemplate(source: string): CompiledLogTemplate {
  const [prefix = '', escape = 'default'] = ESCAPE.exec(source) ?? [];
  if (escape !== 'default' && escape !== 'json' && escape !== 'none')
    return wrong(source.indexOf('escape='), `escape=${escape} is none of default, json, none`);
  const problem = sizeProblem(source) ?? dollarProblem(source, prefix.length);
  if (problem !== undefined) return problem;
  const variables = [...source.matchAll(new RegExp(VARIABLE, 'g'))].map((match) => ({
    name: match[1] ?? match[2] ?? '',
    at: match.index,
    end: match.index + match[0].length,
  }));
  const found = variableProblem(variables, prefix.length);
  if (found !== undefined) return found;
  return {
    kind: 'compiled',
    template: templateOf(source, { escape, ...shapeOf(source, prefix.length, variables) }),
  };
}

interface Variable {
  readonly name: string;
  readonly at: number;
  readonly end: number;
}

function wrong(offset: number, reason: string): CompiledLogTemplate & { kind: 'wrong' } {
  return { kind: 'wrong', offset, reason };
}

function sizeProblem(source: string): (CompiledLogTemplate & { kind: 'wrong' }) | undefined {
  if (source.length > MAX_TEMPLATE_LENGTH)
    return wrong(MAX_TEMPLATE_LENGTH, `a format has at most ${MAX_TEMPLATE_LENGTH} characters`);
  const lineBreak = source.search(/[\r\n]/);
  return lineBreak < 0 ? undefined : wrong(lineBreak, 'a format is one line');
}

/** A `$` that begins no variable would be taken for text that no line has. */
function dollarProblem(source: string, from: number): (CompiledLogTemplate & { kind: 'wrong' }) | undefined {
  const variable = new RegExp(VARIABLE, 'y');
  for (let at = source.indexOf('$', from); at >= 0; at = source.indexOf('$', at + 1)) {
    variable.lastIndex = at;
    if (!variable.test(source))
      return wrong(at, 'a $ must begin the name of a variable, as in $status or ${status}');
  }
  return undefined;
}

function variableProblem(
  variables: readonly Variable[],
  from: number,
): (CompiledLogTemplate & { kind: 'wrong' }) | undefined {
  if (variables.length > MAX_VARIABLES)
    return wrong(variables[MAX_VARIABLES]?.at ?? 0, `a format has at most ${MAX_VARIABLES} variables`);
  const seen = new Set<string>();
  for (const [index, { name, at, end }] of variables.entries()) {
    if (seen.has(name)) return wrong(at, `$${name} is there already`);
    seen.add(name);
    const next = variables[index + 1];
    if (next?.at === end && !isPathBehind(name, next.name))
      return wrong(
        next.at,
        `text must stand between $${name} and $${next.name}: else nobody can tell where one ends`,
      );
  }
  if (!TIME_VARIABLES.some((name) => seen.has(name)))
    return wrong(from, `a line needs its time: one of $${TIME_VARIABLES.join(', $')}`);
  return requestProblem(seen, from);
}

/** A path tells by its first slash where it begins. */
function isPathBehind(name: string, next: string | undefined): boolean {
  return next !== undefined && PATH_VARIABLES.includes(next) && !PATH_VARIABLES.includes(name);
}

function requestProblem(
  names: ReadonlySet<string>,
  from: number,
): (CompiledLogTemplate & { kind: 'wrong' }) | undefined {
  const hasTarget = names.has('request_uri') || names.has('uri');
  if (names.has('request') || (names.has('request_method') && hasTarget)) return undefined;
  return wrong(from, 'a line needs its request: $request, or $request_method and $request_uri');
}

function shapeOf(source: string, from: number, variables: readonly Variable[]): Omit<Shape, 'escape'> {
  const textBehind = (index: number): string =>
    source.slice(variables[index]?.end ?? source.length, variables[index + 1]?.at ?? source.length);
  const parts = variables.map(({ name, at }, index) => {
    const next = variables[index + 1]?.name;
    const isTimeNext = next === 'time_local';
    return {
      variable: name,
      until: textBehind(index),
      isPathNext: textBehind(index) === '' && isPathBehind(name, next),
      isQuoted: source[at - 1] === '"' && textBehind(index).startsWith('"'),
      ...(isTimeNext ? { clfTimeUntil: textBehind(index + 1) } : {}),
    };
  });
  return { head: source.slice(from, variables[0]?.at ?? source.length), parts };
}

function templateOf(source: string, shape: Shape): LogTemplate {
  const unescape = UNESCAPE[shape.escape];
  return {
    source,
    variables: shape.parts.map(({ variable }) => variable),
    parse: (text, format) => {
      const values = cut(text, shape);
      if (typeof values === 'string')
        return rejectedLine('LINE_UNPARSABLE', `the line could not be read as ${format}: ${values}`);
      const line: Record<string, JsonValue> = {};
      for (const [index, { variable }] of shape.parts.entries()) {
        const value = values[index] ?? '';
        // What is not there: `-` by nginx's default, else nothing at all.
        if (value !== '' && value !== '-') line[variable] = unescape(value);
      }
      return readRecord(line, format);
    },
  };
}

/** The values in the order of their variables, as they stand; or what is wrong. */
function cut(text: string, { head, parts, escape }: Shape): readonly string[] | string {
  if (!text.startsWith(head)) return `it must begin with ${shown(head)}`;
  const values: string[] = [];
  let at = head.length;
  for (const part of parts) {
    const end = valueEnd(text, at, { part, isEscaped: escape === 'json' && part.isQuoted });
    if (end < 0) return `${shown(part.isPathNext ? '/' : part.until)} must follow $${part.variable}`;
    values.push(text.slice(at, end));
    at = end + part.until.length;
  }
  return at === text.length
    ? values
    : `nothing must follow ${shown(parts.at(-1)?.until)}, found ${shown(text.slice(at))}`;
}

/** Where the value that begins at `at` ends; -1 if the text behind it is not there. */
function valueEnd(
  text: string,
  at: number,
  { part, isEscaped }: { readonly part: Part; readonly isEscaped: boolean },
): number {
  const { until } = part;
  if (until === '') return part.isPathNext ? text.indexOf('/', at) : text.length;
  if (isEscaped) {
    const end = closingQuote(text, at);
    return end >= 0 && text.startsWith(until, end) ? end : -1;
  }
  if (part.variable === 'time_local' && isTimeAt(text, at, until)) return at + CLF_TIME_LENGTH;
  let end = text.indexOf(until, requestEnd(text, at, part));
  while (end >= 0 && goesOn(text, end, part)) end = text.indexOf(until, end + 1);
  return end;
}

/** Is the text at `end` within the value. A user's name may hold what stands before the time, as in `ann [x] [10/Oct/…`. */
function goesOn(text: string, end: number, part: Part): boolean {
  const { until, clfTimeUntil } = part;
  const isTimeMissing = clfTimeUntil !== undefined && !isTimeAt(text, end + until.length, clfTimeUntil);
  return isTimeMissing || isWithinList(text, end, part);
}

/** From where on a request may end that stands without quotes: in its protocol. Any other value may end where it begins. */
function requestEnd(text: string, at: number, { variable, until, isQuoted }: Part): number {
  if (variable !== 'request' || isQuoted || !until.startsWith(' ') || text.startsWith(`-${until}`, at))
    return at;
  return Math.max(at, text.indexOf(' HTTP/', at) + 1);
}

/** Does the list go on behind the text at `end`. */
function isWithinList(text: string, end: number, { variable, until }: Part): boolean {
  if (!until.startsWith(' ') || !LIST_VARIABLE.test(variable)) return false;
  return text[end - 1] === ',' || text.startsWith(' : ', end) || text.startsWith(' : ', end - 2);
}

function isTimeAt(text: string, at: number, until: string): boolean {
  return text[at + 2] === '/' && text[at + 6] === '/' && text.startsWith(until, at + CLF_TIME_LENGTH);
}

const UNESCAPE: Readonly<Record<LogEscape, (value: string) => string>> = {
  default: unescapeQuoted,
  json: (value) => {
    if (!value.includes('\\')) return value;
    try {
      return JSON.parse(`"${value}"`) as string;
    } catch {
      return value;
    }
  },
  none: (value) => value,
};
