import { parseAccessLine } from './access-line.js';
import { parseJsonLine } from './json-line.js';
import type { LogFormat, ParsedLine } from './parsed-line.js';

const OPENING_BRACE = 123;

/**
 * Reads one line of a web server's log. Takes time in proportion to the line's length, whatever it holds.
 *
 * @param format only this one; default: found from the line itself
 */
export function parseLogLine(text: string, format?: LogFormat): ParsedLine {
  switch (format) {
    case 'combined':
    case 'common':
      return parseAccessLine(text, format);
    case 'nginx-json':
    case 'json':
      return parseJsonLine(text, format);
    case undefined:
      return isObjectLike(text) ? parseJsonLine(text) : parseAccessLine(text);
    default:
      return format satisfies never;
  }
}

function isObjectLike(text: string): boolean {
  const first = text.charCodeAt(0);
  return first === OPENING_BRACE || (first <= 32 && text.trimStart().charCodeAt(0) === OPENING_BRACE);
}
