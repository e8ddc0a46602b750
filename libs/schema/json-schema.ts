import { getMetadataStorage } from 'class-validator';
import { targetConstructorToSchema } from 'class-validator-jsonschema';
import type { JsonObject } from '#libs/kernel';
import { SchemaUnsupportedError } from './schema.errors.js';

/** A class whose decorators of class-validator say what an event's data may be. */
export type EventClass = new () => object;

/** A property of a JSON Schema, as far as the decorators below can say one. */
export interface PropertySchema {
  type?: string | string[];
  enum?: unknown[];
  [keyword: string]: unknown;
}

export interface ObjectSchema {
  readonly type: 'object';
  readonly properties: Readonly<Record<string, PropertySchema>>;
  readonly required?: readonly string[];
}

/**
 * Decorators that mean exactly the same in class-validator and as JSON Schema. Any other would be checked in one
 * of the two only, so it is refused instead.
 */
const SAME_IN_BOTH = new Set([
  ...['isOptional', 'isString', 'isBoolean', 'isInt', 'isNumber', 'isObject', 'isArray', 'isIn'],
  ...['min', 'max', 'isPositive', 'isNegative', 'isLength', 'minLength', 'maxLength', 'matches'],
  ...['arrayMinSize', 'arrayMaxSize'],
]);

/**
 * What the decorators of a class say, as JSON Schema (draft 2020-12). Fields it does not name are allowed.
 *
 * @throws SchemaUnsupportedError for a decorator that JSON Schema can't say exactly
 */
export function jsonSchemaOf(type: string, eventClass: EventClass): ObjectSchema & JsonObject {
  const decorators = decoratorsOf(type, eventClass);
  const raw = structuredClone(targetConstructorToSchema(eventClass)) as unknown as ObjectSchema;
  for (const [field, property] of Object.entries(raw.properties)) {
    // Where a field has several decorators, the last one's type stands: `@Min` would turn an integer into a number.
    if (decorators.get(field)?.has('isInt') === true) property.type = 'integer';
    if (raw.required?.includes(field) !== true) allowNull(property);
  }
  const schema = { $schema: 'https://json-schema.org/draft/2020-12/schema', title: type, ...raw };
  return schema as ObjectSchema & JsonObject;
}

/** `@IsOptional` takes null for absent. */
function allowNull(property: PropertySchema): void {
  if (typeof property.type === 'string') property.type = [property.type, 'null'];
  if (property.enum !== undefined) property.enum = [...property.enum, null];
}

function decoratorsOf(type: string, eventClass: EventClass): ReadonlyMap<string, ReadonlySet<string>> {
  const found = new Map<string, Set<string>>();
  for (const rule of getMetadataStorage().getTargetValidationMetadatas(eventClass, '', true, false)) {
    const problem = problemOf(rule.name, rule.constraints as unknown[] | undefined, rule.each);
    if (problem !== undefined) throw new SchemaUnsupportedError(type, rule.propertyName, problem);
    const names = found.get(rule.propertyName) ?? new Set<string>();
    found.set(rule.propertyName, names.add(rule.name ?? ''));
  }
  if (found.size === 0)
    throw new SchemaUnsupportedError(type, '(all)', 'the class has no decorators of class-validator');
  return found;
}

function problemOf(
  name: string | undefined,
  constraints: unknown[] | undefined,
  each: boolean,
): string | undefined {
  if (name === undefined || !SAME_IN_BOTH.has(name)) {
    return `${name ?? 'this decorator'} has no exact counterpart in JSON Schema; use ${[...SAME_IN_BOTH].join(', ')}`;
  }
  if (each) return 'the option each is not supported';
  if (name !== 'matches') return undefined;
  return isPlainPattern(constraints) ? undefined : 'a pattern has to be a regular expression without flags';
}

function isPlainPattern([pattern, flags]: readonly unknown[] = []): boolean {
  return pattern instanceof RegExp && pattern.flags === '' && (flags === undefined || flags === '');
}
