// JSON in UTF-8, read where it stands, without building values. All answer NOT_PLAIN for whatever is not as plain as they want
// it: that is left to JSON.parse, which also says what is wrong.

/** It is no JSON, or JSON of a kind that is not read here. */
export const NOT_PLAIN = -1;

export const QUOTE = 34;
export const OPENING_BRACKET = 91;
export const CLOSING_BRACKET = 93;
export const OPENING_BRACE = 123;
export const CLOSING_BRACE = 125;
export const COMMA = 44;
const BACKSLASH = 92;
const MINUS = 45;
const DOT = 46;
const ZERO = 48;
const COLON = 58;
const SPACE = 32;
const TAB = 9;
const LETTER_E = 101;
const LETTER_U = 117;
const LOWER_CASE = 32;

/** JSON in UTF-8, by bytes and by four of them at once. */
export class JsonText {
  readonly words: DataView;

  constructor(readonly bytes: Buffer) {
    this.words = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  toString(from: number, end: number): string {
    return this.bytes.toString('utf8', from, end);
  }
}

/** A double holds every whole number of so many digits. */
const EXACT_DIGITS = 15;
/** Of the other values of an event: arrays and objects within each other. */
const MAX_PLAIN_DEPTH = 16;

/** Where the text that begins at `from`, behind its quote, has its closing quote. Escapes are checked and passed over. */
export function textEnd(json: JsonText, from: number): number {
  const at = behindPlainWords(json, from);
  return json.bytes[at] === QUOTE ? at : endBehindSpecial(json, at);
}

/** The same of a text without escapes. */
export function plainTextEnd(json: JsonText, from: number): number {
  const at = behindPlainWords(json, from);
  return json.bytes[at] === QUOTE ? at : plainEndAtLast(json, at);
}

/** Within the last four bytes of all. */
function plainEndAtLast({ bytes }: JsonText, from: number): number {
  let at = from;
  for (let code = bytes[at]!; code !== QUOTE; code = bytes[++at]!)
    if (!(code >= SPACE) || code === BACKSLASH) return NOT_PLAIN;
  return at;
}

function endBehindSpecial(json: JsonText, from: number): number {
  const { bytes } = json;
  let at = from;
  for (let code = bytes[at]!; code !== QUOTE; code = bytes[at]!) {
    // Behind the end of the text the code is undefined.
    if (!(code >= SPACE)) return NOT_PLAIN;
    if (code === BACKSLASH) at = behindPlainWords(json, at + escapeLength(json, at + 1));
    else at++;
  }
  return at;
}

/** Where the first quote, backslash or control character stands from `from` on; less than four bytes before the end it may stand behind. */
function behindPlainWords({ words }: JsonText, from: number): number {
  let at = from;
  for (const last = words.byteLength - 4; at <= last; at += 4) {
    const found = specialsOf(words.getInt32(at, true));
    // The lowest bit is that of the first byte.
    if (found !== 0) return at + ((31 - Math.clz32(found & -found)) >> 3);
  }
  return at;
}

/**
 * The highest bit of each byte that is a quote, a backslash or a control character. Above the first of them there may be too many.
 * Of each byte that is less than 32, and of one that is zero: Bit Twiddling Hacks (public domain), S. E. Anderson.
 */
function specialsOf(word: number): number {
  const quotes = word ^ 0x22222222;
  const backslashes = word ^ 0x5c5c5c5c;
  const found =
    ((word - 0x20202020) & ~word) |
    ((quotes - 0x01010101) & ~quotes) |
    ((backslashes - 0x01010101) & ~backslashes);
  return found & HIGHEST_BITS;
}

const HIGHEST_BITS = 0x80808080 | 0;

/** With its backslash; so long that the end is passed where there is no such escape. */
function escapeLength(json: JsonText, at: number): number {
  if (json.bytes[at] === LETTER_U) return isHex(json, at + 1) ? 6 : json.bytes.length;
  return ESCAPED.includes(json.bytes[at] ?? NaN) ? 2 : json.bytes.length;
}

const ESCAPED = Buffer.from('"\\/bfnrt');

function isHex(json: JsonText, at: number): boolean {
  for (let i = at; i < at + 4; i++) if (!isHexDigit(json.bytes[i]!)) return false;
  return true;
}

function isHexDigit(code: number): boolean {
  const lower = code | LOWER_CASE;
  return isDigit(code) || (lower >= 97 && lower <= 102);
}

/** Spaces and tabs only: no item of a frame has a line break. */
export function behindSpaces(json: JsonText, from: number): number {
  let at = from;
  for (let code = json.bytes[at]!; code === SPACE || code === TAB; code = json.bytes[at]!) at++;
  return at;
}

/** Behind any white space. */
export function behindBlanks(json: JsonText, from: number): number {
  let at = from;
  for (let code = json.bytes[at]!; isBlank(code); code = json.bytes[at]!) at++;
  return at;
}

function isBlank(code: number): boolean {
  return code === SPACE || (code <= 13 && (code === 10 || code === 13 || code === TAB));
}

function isDigit(code: number): boolean {
  return code >= ZERO && code <= ZERO + 9;
}

/** Where a value begins, behind the colon that stands at `from` or behind spaces. */
export function behindColon(json: JsonText, from: number): number {
  const at = behindSpaces(json, from);
  return json.bytes[at]! === COLON ? behindSpaces(json, at + 1) : NOT_PLAIN;
}

/** Reads numbers of at most 15 digits, without an exponent. */
export class NumberReader {
  /** The number that was read last. */
  value = 0;

  /** Where the number that begins at `from` ends. */
  read(json: JsonText, from: number): number {
    const isNegative = json.bytes[from]! === MINUS;
    const first = isNegative ? from + 1 : from;
    const end = this.#digits(json, first, 0);
    const hasNeedlessZero = end > first + 1 && json.bytes[first]! === ZERO;
    if (end === first || hasNeedlessZero || end - first > EXACT_DIGITS) return NOT_PLAIN;
    const last = json.bytes[end]! === DOT ? this.#fraction(json, first, end) : end;
    if (isNegative) this.value = -this.value;
    return (json.bytes[last]! | LOWER_CASE) === LETTER_E ? NOT_PLAIN : last;
  }

  #fraction(json: JsonText, first: number, dot: number): number {
    const end = this.#digits(json, dot + 1, this.value);
    // One division of two numbers that are exact gives the double that is nearest.
    this.value /= POWERS_OF_TEN[end - dot - 1] ?? NaN;
    return end === dot + 1 || end - 1 - first > EXACT_DIGITS ? NOT_PLAIN : end;
  }

  #digits(json: JsonText, from: number, before: number): number {
    let value = before;
    let at = from;
    for (let code = json.bytes[at]!; isDigit(code); code = json.bytes[++at]!)
      value = value * 10 + (code - ZERO);
    this.value = value;
    return at;
  }
}

const POWERS_OF_TEN = Array.from({ length: EXACT_DIGITS + 1 }, (_, power) => 10 ** power);
const numbers = new NumberReader();

/** Where any value ends that begins at `from`. */
export function valueEnd(json: JsonText, from: number, depth = MAX_PLAIN_DEPTH): number {
  const code = json.bytes[from]!;
  if (code === QUOTE) return behindText(json, from);
  if (code === OPENING_BRACE) return depth === 0 ? NOT_PLAIN : objectEnd(json, from, depth - 1);
  if (code === OPENING_BRACKET) return depth === 0 ? NOT_PLAIN : arrayEnd(json, from, depth - 1);
  return wordEnd(json, from) ?? numbers.read(json, from);
}

/** Where `true`, `false` or `null` ends; undefined: none of them begins here. */
export function wordEnd(json: JsonText, from: number): number | undefined {
  for (const word of WORDS) if (stands(word, json, from)) return from + word.bytes.length;
  return undefined;
}

const WORDS = ['true', 'false', 'null'].map((word) => new JsonText(Buffer.from(word)));

/** Do these bytes stand at `at`. */
export function stands(wanted: JsonText, { bytes, words }: JsonText, at: number): boolean {
  const { length } = wanted.bytes;
  if (at + length > bytes.length) return false;
  if (length < 4) return stand(wanted, bytes, at);
  const last = length - 4;
  for (let i = 0; i < last; i += 4)
    if (words.getInt32(at + i, true) !== wanted.words.getInt32(i, true)) return false;
  // The last four, some of which may be among those before.
  return words.getInt32(at + last, true) === wanted.words.getInt32(last, true);
}

function stand({ bytes: wanted }: JsonText, bytes: Buffer, at: number): boolean {
  for (let i = 0; i < wanted.length; i++) if (bytes[at + i] !== wanted[i]) return false;
  return true;
}

function behindText(json: JsonText, from: number): number {
  const end = textEnd(json, from + 1);
  return end === NOT_PLAIN ? NOT_PLAIN : end + 1;
}

function arrayEnd(json: JsonText, from: number, depth: number): number {
  return listEnd(json, from, CLOSING_BRACKET, (at) => valueEnd(json, at, depth));
}

function objectEnd(json: JsonText, from: number, depth: number): number {
  return listEnd(json, from, CLOSING_BRACE, (at) => {
    const nameEnd = json.bytes[at]! === QUOTE ? behindText(json, at) : NOT_PLAIN;
    const valueAt = nameEnd === NOT_PLAIN ? NOT_PLAIN : behindColon(json, nameEnd);
    return valueAt === NOT_PLAIN ? NOT_PLAIN : valueEnd(json, valueAt, depth);
  });
}

/** Behind the closing bracket of a list whose opening one stands at `from`. */
function listEnd(json: JsonText, from: number, closing: number, partEnd: (at: number) => number): number {
  let at = behindSpaces(json, from + 1);
  if (json.bytes[at]! === closing) return at + 1;
  for (;;) {
    at = partEnd(at);
    if (at === NOT_PLAIN) return NOT_PLAIN;
    at = behindSpaces(json, at);
    const code = json.bytes[at]!;
    if (code === closing) return at + 1;
    if (code !== COMMA) return NOT_PLAIN;
    at = behindSpaces(json, at + 1);
  }
}
