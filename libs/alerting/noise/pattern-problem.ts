/** What a pattern may not have, since a text could be made for which it takes for ever; undefined: nothing. */
export function patternProblem(source: string): string | undefined {
  if (/\\[1-9k]/.test(source)) return 'it may not refer back to a group';
  return repeatedGroupProblem(source);
}

/**
 * A group that is repeated may hold neither a repetition nor alternatives, at whatever depth: then the time that a backtracking
 * engine takes grows with the length of the text, and not as a power of two of it.
 */
function repeatedGroupProblem(source: string): string | undefined {
  const open: boolean[] = [];
  let hasClosed = false;
  for (const token of tokensOf(source)) {
    const isRepeat = REPEATS.test(token);
    if (isRepeat && hasClosed) return 'a repeated group may hold no repetition and no alternatives';
    hasClosed = false;
    if (token === '(') open.push(false);
    else if (token === ')') hasClosed = close(open);
    else if ((isRepeat || token === '|') && open.length > 0) open[open.length - 1] = true;
  }
  return undefined;
}

/** What a group holds, the one around it holds, too. */
function close(open: boolean[]): boolean {
  const isRisky = open.pop() === true;
  if (isRisky && open.length > 0) open[open.length - 1] = true;
  return isRisky;
}

const REPEATS = /^(?:[*+]|\{\d)/;

/** Escaped characters and classes are one each, `(?:` and its like the same as `(`. */
function tokensOf(source: string): readonly string[] {
  const tokens =
    source.match(/\\.|\[(?:\\.|[^\]\\])*\]|\((?:\?(?:<?[=!]|:|<\w+>))?|\{\d+(?:,\d*)?\}|./gs) ?? [];
  return tokens.map((token) => (token.startsWith('(') ? '(' : token));
}
