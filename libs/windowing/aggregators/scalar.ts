import { type JsonScalar, murmur3 } from '#libs/kernel';

/** A longer text is cut: a state holds many values, and must fit into a message. */
export const MAX_TEXT_CHARS = 256;

/**
 * A value that an aggregator keeps: text, finite number or boolean; undefined for all else, which is skipped. A text
 * of more than 256 characters is cut, and stays apart from others with that beginning by its hash.
 */
export function scalarOf(value: unknown): Exclude<JsonScalar, null> | undefined {
  if (typeof value === 'string') return value.length <= MAX_TEXT_CHARS ? value : shortText(value);
  if (typeof value === 'number') return finiteOf(value);
  return typeof value === 'boolean' ? value : undefined;
}

/** A finite number, −0 as 0 since JSON does not tell them apart; undefined for all else, which is skipped. */
export function finiteOf(value: unknown): number | undefined {
  return typeof value === 'number' && Number.isFinite(value) ? value + 0 : undefined;
}

/** What stands for the rest of a text: `…` and eight hexadecimal digits. */
const TAIL_CHARS = 9;

/** A text of at most so many characters; what is cut is short enough not to be cut again when it is read back. */
export function shortText(text: string, maxChars = MAX_TEXT_CHARS): string {
  if (text.length <= maxChars) return text;
  const kept = text.slice(0, maxChars - TAIL_CHARS);
  // Half a surrogate pair is no text to a store that wants UTF-8.
  const whole = /[\ud800-\udbff]$/.test(kept) ? kept.slice(0, -1) : kept;
  return `${whole}…${murmur3(text).toString(16)}`;
}
