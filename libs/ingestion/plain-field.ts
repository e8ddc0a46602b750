import { isJsonObject, type JsonObject, type JsonValue } from '#libs/kernel';
import { JsonText, stands } from './json-text.js';

/** What a schema says of one field, as far as it can be judged from JSON as it stands. */
export interface PlainField {
  readonly isText: boolean;
  readonly isNumber: boolean;
  readonly isInteger: boolean;
  readonly isBoolean: boolean;
  readonly isNullable: boolean;
  readonly isRequired: boolean;
  /** Of a text: bytes, of which there are at least as many as characters. */
  readonly maxLength: number;
  readonly minLength: number;
  /** What a text has to begin with. */
  readonly prefix: JsonText;
  readonly minimum: number;
  readonly maximum: number;
}

/** A field that is judged by its value only. */
const OPAQUE: PlainField = {
  ...{ isText: false, isNumber: false, isInteger: false, isBoolean: false, isNullable: false },
  ...{
    isRequired: false,
    maxLength: Infinity,
    minLength: 0,
    prefix: new JsonText(Buffer.alloc(0)),
    minimum: -Infinity,
    maximum: Infinity,
  },
};

const KNOWN_KEYWORDS: ReadonlySet<string> = new Set([
  ...['type', 'minLength', 'maxLength', 'pattern', 'minimum', 'maximum'],
  ...['title', 'description', 'default'],
]);
/** A caret, and characters that stand for themselves. */
const PREFIX_PATTERN = /^\^((?:\\?\/|[\w :@~,;=&%#!'"<>-])*)$/;
const KNOWN_SCHEMA_KEYWORDS: ReadonlySet<string> = new Set([
  ...['$schema', '$id', 'title', 'description', 'type', 'properties', 'required'],
]);

/** The fields that a schema names; undefined: it says more than can be judged from the text of an event. */
export function plainFieldsOf(schema: JsonObject): ReadonlyMap<string, PlainField> | undefined {
  const { properties, required = [] } = schema;
  const isPlain = Object.keys(schema).every((keyword) => KNOWN_SCHEMA_KEYWORDS.has(keyword));
  if (!isPlain || !isJsonObject(properties) || !Array.isArray(required)) return undefined;
  const names = new Set([...Object.keys(properties), ...required.map(String)]);
  const fieldOf = (name: string): PlainField => ({
    ...(isJsonObject(properties[name]) ? plainFieldOf(properties[name]) : OPAQUE),
    isRequired: required.includes(name),
  });
  return new Map([...names].map((name) => [name, fieldOf(name)]));
}

function plainFieldOf(property: JsonObject): PlainField {
  const { type, pattern } = property;
  const prefix = pattern === undefined ? '' : prefixOf(pattern);
  const isPlain = Object.keys(property).every((keyword) => KNOWN_KEYWORDS.has(keyword));
  if (!isPlain || prefix === undefined) return OPAQUE;
  const types: readonly unknown[] = Array.isArray(type) ? type : [type];
  return {
    isText: types.includes('string'),
    isNumber: types.includes('number') || types.includes('integer'),
    isInteger: !types.includes('number'),
    isBoolean: types.includes('boolean'),
    isNullable: types.includes('null'),
    isRequired: false,
    maxLength: numberOf(property['maxLength'], Infinity),
    minLength: numberOf(property['minLength'], 0),
    prefix: new JsonText(Buffer.from(prefix)),
    minimum: numberOf(property['minimum'], -Infinity),
    maximum: numberOf(property['maximum'], Infinity),
  };
}

function prefixOf(pattern: JsonValue): string | undefined {
  return PREFIX_PATTERN.exec(String(pattern))?.[1]?.replaceAll('\\/', '/');
}

function numberOf(value: JsonValue | undefined, otherwise: number): number {
  return typeof value === 'number' ? value : otherwise;
}

/**
 * Is the text between two quotes as the field wants it. `false` may also mean that this can't be told: a character may take
 * several bytes.
 */
export function isPlainText(field: PlainField, json: JsonText, from: number, end: number): boolean {
  const length = end - from;
  if (!field.isText || length > field.maxLength || length < field.minLength) return false;
  if (field.minLength > 1 && !isAscii(json, from, end)) return false;
  return field.prefix.bytes.length === 0 || stands(field.prefix, json, from);
}

/** And without escapes. */
function isAscii(json: JsonText, from: number, end: number): boolean {
  for (let at = from; at < end; at++)
    if (json.bytes[at]! >= 128 || json.bytes[at] === BACKSLASH) return false;
  return true;
}

const BACKSLASH = 92;

export function isPlainNumber(field: PlainField, value: number): boolean {
  return (
    field.isNumber &&
    value >= field.minimum &&
    value <= field.maximum &&
    (!field.isInteger || Number.isInteger(value))
  );
}
