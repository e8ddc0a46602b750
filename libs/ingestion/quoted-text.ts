const BACKSLASH = 92;
/** What Apache writes as a backslash and a letter. */
const LETTER_ESCAPES: Readonly<Record<string, string>> = { b: '\b', n: '\n', r: '\r', t: '\t', v: '\v' };

/** Where the quoted text that begins at `from` ends: the next quote that no backslash escapes; -1 if there is none. */
export function closingQuote(text: string, from: number): number {
  let end = text.indexOf('"', from);
  while (end >= 0 && isEscaped(text, from, end)) end = text.indexOf('"', end + 1);
  return end;
}

/** Runs of backslashes end at a quote, so over a whole line each is counted once. */
function isEscaped(text: string, from: number, at: number): boolean {
  let runStart = at;
  while (runStart > from && text.charCodeAt(runStart - 1) === BACKSLASH) runStart--;
  return (at - runStart) % 2 === 1;
}

/**
 * A field as it was before the server escaped it: `\"`, `\\`, `\n` and the like, and `\xHH` for a byte, several of
 * which may make up one character of UTF-8. A backslash before anything else stands for itself.
 */
export function unescapeQuoted(text: string): string {
  let at = text.indexOf('\\');
  if (at < 0) return text;
  let plain = '';
  let copied = 0;
  while (at >= 0) {
    plain += text.slice(copied, at);
    const { value, end } = readEscapes(text, at);
    plain += value;
    copied = end;
    at = text.indexOf('\\', end);
  }
  return plain + text.slice(copied);
}

interface Escape {
  readonly value: string;
  readonly end: number;
}

function readEscapes(text: string, at: number): Escape {
  const next = text[at + 1] ?? '';
  if (next === 'x') return readBytes(text, at);
  if (next === '"' || next === '\\') return { value: next, end: at + 2 };
  const letter = LETTER_ESCAPES[next];
  return letter === undefined ? { value: '\\', end: at + 1 } : { value: letter, end: at + 2 };
}

/** As many `\xHH` as follow each other: only together they are characters. */
function readBytes(text: string, at: number): Escape {
  const bytes: number[] = [];
  let end = at;
  for (let byte = byteAt(text, end); byte >= 0; byte = byteAt(text, end)) {
    bytes.push(byte);
    end += 4;
  }
  return bytes.length === 0
    ? { value: '\\', end: at + 1 }
    : { value: Buffer.from(bytes).toString('utf8'), end };
}

/** The byte that `\xHH` at this place stands for; -1 if there is none. */
function byteAt(text: string, at: number): number {
  if (text.charCodeAt(at) !== BACKSLASH || text[at + 1] !== 'x') return -1;
  const high = hexDigit(text.charCodeAt(at + 2));
  const low = hexDigit(text.charCodeAt(at + 3));
  return high < 0 || low < 0 ? -1 : high * 16 + low;
}

function hexDigit(code: number): number {
  if (code >= 48 && code <= 57) return code - 48;
  const lower = code | 32;
  return lower >= 97 && lower <= 102 ? lower - 87 : -1;
}
