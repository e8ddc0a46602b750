import { MAX_MATCHED_CHARACTERS, MAX_PATTERN_CHARACTERS, patternProblem } from '#libs/alerting';

// `matches` of an expression. The engine under it goes back and tries again, so that a pattern and a text can be such that
// one look takes for ever, and the whole process stands still. So a pattern is known beforehand, and is of a kind
// whose time does not double with each character; and a text is looked at by its beginning.

/** What is wrong with a pattern; undefined: nothing. */
export function textPatternProblem(source: string): string | undefined {
  if (source.length > MAX_PATTERN_CHARACTERS)
    return `the pattern has ${source.length} characters, at most ${MAX_PATTERN_CHARACTERS} are allowed`;
  try {
    void new RegExp(source);
  } catch (error) {
    return (error as Error).message;
  }
  const problem = patternProblem(source);
  return problem && `the pattern ${source} could take for ever over a long text: ${problem}`;
}

/** What `matches` is called inside, so that it is ours. */
export const MATCHES_PATTERN = 'matchesPattern';

const PATTERNS = new Map<string, RegExp>();
const MAX_PATTERNS = 1_000;

/** Is the pattern found in the first {@link MAX_MATCHED_CHARACTERS} of a text. @param source one without a problem */
export function matchesPattern(text: string, source: string): boolean {
  return patternOf(source).test(text.slice(0, MAX_MATCHED_CHARACTERS));
}

function patternOf(source: string): RegExp {
  const known = PATTERNS.get(source);
  if (known !== undefined) return known;
  if (PATTERNS.size >= MAX_PATTERNS) PATTERNS.clear();
  const pattern = new RegExp(source);
  PATTERNS.set(source, pattern);
  return pattern;
}
