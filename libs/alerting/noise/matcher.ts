import type { AlertEvent } from '../alert-event.js';
import { patternProblem } from './pattern-problem.js';

/** Compares one label of an alert. `rule`, `severity` and `pipeline` can be named as labels, too. */
export interface Matcher {
  readonly name: string;
  readonly value: string;
  /** Default true; false: it must differ. */
  readonly isEqual?: boolean;
  /** The value is a regular expression that has to fit the whole label. Default false. */
  readonly isRegex?: boolean;
}

/** What matchers see of an alert: its labels, and what every alert has. */
export type Matched = Pick<AlertEvent, 'labels' | 'rule' | 'severity' | 'pipeline'>;

/** A regular expression is at most so long. */
export const MAX_PATTERN_CHARACTERS = 200;
/** What is longer is compared with a pattern by its beginning. */
export const MAX_MATCHED_CHARACTERS = 1_000;

/** The value of a label as text; a label that is not there is empty, as Prometheus has it. */
export function labelOf(alert: Matched, name: string): string {
  const own = alert.labels[name];
  if (own !== undefined && own !== null) return String(own);
  return name === 'rule' || name === 'severity' || name === 'pipeline' ? alert[name] : '';
}

/** Do all of them fit. Without any: yes. */
export function matchesAll(matchers: readonly Matcher[], alert: Matched): boolean {
  return matchers.every((matcher) => {
    const value = labelOf(alert, matcher.name);
    const fits = matcher.isRegex === true ? fitsPattern(matcher.value, value) : value === matcher.value;
    return fits === (matcher.isEqual ?? true);
  });
}

function fitsPattern(source: string, value: string): boolean {
  return patternOf(source).test(value.slice(0, MAX_MATCHED_CHARACTERS));
}

const PATTERNS = new Map<string, RegExp>();
const MAX_PATTERNS = 1_000;

function patternOf(source: string): RegExp {
  const known = PATTERNS.get(source);
  if (known !== undefined) return known;
  if (PATTERNS.size >= MAX_PATTERNS) PATTERNS.clear();
  const pattern = new RegExp(`^(?:${source})$`, 'u');
  PATTERNS.set(source, pattern);
  return pattern;
}

/** What is wrong with a matcher; undefined: nothing. */
export function matcherProblem({ name, value, isRegex }: Matcher): string | undefined {
  if (!/^[A-Za-z_][A-Za-z0-9_]{0,62}$/.test(name)) return `'${name}' is no name of a label`;
  if (isRegex !== true) return undefined;
  // A short text to match and a short expression: what backtracking costs stays small.
  if (value.length > MAX_PATTERN_CHARACTERS)
    return `at most ${MAX_PATTERN_CHARACTERS} characters of expression`;
  try {
    void new RegExp(`^(?:${value})$`, 'u');
    return patternProblem(value);
  } catch (error) {
    return (error as Error).message;
  }
}

/** `stream=demo`, `path!=/a`, `stream=~web.*`, `stream!~web.*`; undefined: it is none. */
export function parseMatcher(text: string): Matcher | undefined {
  const [, name, operator, value] = /^\s*([A-Za-z_]\w*)\s*(=~|!~|!=|=)\s*"?(.*?)"?\s*$/s.exec(text) ?? [];
  if (name === undefined || operator === undefined || value === undefined) return undefined;
  return { name, value, isEqual: operator.startsWith('='), isRegex: operator.endsWith('~') };
}

/** As {@link parseMatcher} reads it. */
export function writeMatcher({ name, value, isEqual = true, isRegex = false }: Matcher): string {
  return `${name}${isEqual ? '=' : '!'}${isRegex ? '~' : isEqual ? '' : '='}${value}`;
}
