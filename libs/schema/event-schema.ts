import { Ajv2020, type ErrorObject } from 'ajv/dist/2020.js';
import type { JsonObject } from '#libs/kernel';
import { type EventClass, jsonSchemaOf, type ObjectSchema, type PropertySchema } from './json-schema.js';

/** What kind of value a field holds, where it is there; arrays are objects. */
export type FieldKind = 'string' | 'number' | 'boolean' | 'object';

/** Why data is not of a schema. */
export interface SchemaProblem {
  /** JSON pointer of the field; empty for the whole. */
  readonly path: string;
  /** The value that stands there; undefined if none. */
  readonly found: unknown;
  /** A sentence: what was found, what would be right. */
  readonly reason: string;
}

/** One version of one kind of event. */
export interface EventSchema {
  /** Name and version, e.g. `web-request@1`. */
  readonly type: string;
  readonly jsonSchema: JsonObject;
  /** The fields that the schema names. Data may have others; they are kept. */
  readonly fields: ReadonlyMap<string, FieldKind>;
  /** The first thing that is wrong with the data of an event; undefined if nothing is. Cheap enough for every event. */
  check(data: unknown): SchemaProblem | undefined;
}

/** Compiles what the decorators of a class say. @throws SchemaUnsupportedError */
export function compileEventSchema(type: string, eventClass: EventClass): EventSchema {
  const jsonSchema = jsonSchemaOf(type, eventClass);
  // class-validator matches patterns as they are written, without the flag u.
  const validate = new Ajv2020({ strictTypes: false, unicodeRegExp: false, verbose: true }).compile(
    jsonSchema,
  );
  return {
    type,
    jsonSchema,
    fields: new Map(
      Object.entries(jsonSchema.properties).map(([name, property]) => [name, kindOf(property)]),
    ),
    check: (data) => (validate(data) ? undefined : problemOf(validate.errors?.[0], jsonSchema)),
  };
}

function kindOf(property: PropertySchema): FieldKind {
  switch (typeOf(property)) {
    case 'string':
      return 'string';
    case 'number':
    case 'integer':
      return 'number';
    case 'boolean':
      return 'boolean';
    default:
      return 'object';
  }
}

function typeOf(property: PropertySchema): string | undefined {
  return Array.isArray(property.type) ? property.type[0] : property.type;
}

function problemOf(error: ErrorObject | undefined, schema: ObjectSchema): SchemaProblem {
  if (error?.keyword === 'required') return missingProblem(String(error.params['missingProperty']), schema);
  const path = error?.instancePath ?? '';
  const found: unknown = error?.data;
  return {
    path,
    found,
    reason: `${path || 'data'} is ${shorten(found)}; it must be ${wantedAt(path, schema)}`,
  };
}

function missingProblem(name: string, schema: ObjectSchema): SchemaProblem {
  const path = `/${escapePointer(name)}`;
  return { path, found: undefined, reason: `${path} is missing; it must be ${wantedAt(path, schema)}` };
}

function wantedAt(path: string, schema: ObjectSchema): string {
  const property = schema.properties[path.slice(1)];
  return property === undefined ? 'a JSON object' : describe(property);
}

function escapePointer(name: string): string {
  return name.replaceAll('~', '~0').replaceAll('/', '~1');
}

const MAX_SHOWN_LENGTH = 80;

/** An object is not printed: it may be nested deeper than the stack. */
function shorten(value: unknown): string {
  if (Array.isArray(value)) return `an array of ${value.length} items`;
  if (typeof value === 'object' && value !== null) return 'an object';
  // JSON has no word for the infinity that 1e400 is read as.
  const text = typeof value === 'number' ? String(value) : (JSON.stringify(value) ?? String(value));
  return text.length <= MAX_SHOWN_LENGTH
    ? text
    : `${text.slice(0, MAX_SHOWN_LENGTH)}… (${text.length} characters)`;
}

const NOUNS: Readonly<Record<string, string>> = {
  string: 'a string',
  number: 'a number',
  integer: 'a whole number',
  boolean: 'true or false',
  array: 'an array',
  object: 'an object',
};

/** What a property has to be, in words: `a whole number of 100 to 599`. */
function describe(property: PropertySchema): string {
  const noun = NOUNS[typeOf(property) ?? ''] ?? 'a value';
  const phrases = [
    phraseOf(property['minimum'], property['maximum'], ''),
    phraseOf(property['minLength'], property['maxLength'], ' characters'),
    phraseOf(property['minItems'], property['maxItems'], ' items'),
  ];
  for (const [keyword, words] of Object.entries(PHRASES)) {
    if (property[keyword] !== undefined) phrases.push(words(property[keyword]));
  }
  return [noun, ...phrases.filter((phrase) => phrase !== '')].join(' ');
}

/** `of 1 to 32 characters`, `of at least 1`, `of at most 32`. */
function phraseOf(least: unknown, most: unknown, unit: string): string {
  if (least === undefined && most === undefined) return '';
  if (least === undefined) return `of at most ${String(most)}${unit}`;
  return most === undefined
    ? `of at least ${String(least)}${unit}`
    : `of ${String(least)} to ${String(most)}${unit}`;
}

const PHRASES: Readonly<Record<string, (bound: unknown) => string>> = {
  enum: (values) => `out of ${JSON.stringify(values)}`,
  exclusiveMinimum: (bound) => `above ${String(bound)}`,
  exclusiveMaximum: (bound) => `below ${String(bound)}`,
  pattern: (pattern) => `that matches ${String(pattern)}`,
};
