import { compileEventSchema, type EventSchema } from './event-schema.js';
import type { EventClass } from './json-schema.js';
import { SchemaNameError } from './schema.errors.js';
import { WebRequest } from './web-request.js';

export interface SchemaVersion {
  /** Lower-case words joined by hyphens, e.g. `web-request`. */
  readonly name: string;
  /** Whole, from 1. */
  readonly version: number;
}

const NAME = /^[a-z][a-z0-9]*(-[a-z0-9]+)*$/;

/** The schemas that pipelines of this process may name. */
export class SchemaRegistry {
  readonly #schemas = new Map<string, EventSchema>();

  /**
   * Compiles the class and makes it known as `name@version`.
   *
   * @throws SchemaNameError if the name is not allowed or taken
   * @throws SchemaUnsupportedError if a decorator has no exact counterpart in JSON Schema
   */
  register(eventClass: EventClass, { name, version }: SchemaVersion): EventSchema {
    const type = `${name}@${version}`;
    if (!NAME.test(name))
      throw new SchemaNameError(type, 'the name must be lower-case words joined by hyphens');
    if (!Number.isSafeInteger(version) || version < 1) {
      throw new SchemaNameError(type, 'the version must be a whole number from 1');
    }
    if (this.#schemas.has(type))
      throw new SchemaNameError(type, 'there is a schema of this name and version already');
    const schema = compileEventSchema(type, eventClass);
    this.#schemas.set(type, schema);
    return schema;
  }

  /** The schema of `name@version`; undefined if nobody registered it. */
  get(type: string): EventSchema | undefined {
    return this.#schemas.get(type);
  }

  /** Every `name@version`, sorted. */
  names(): readonly string[] {
    return [...this.#schemas.keys()].sort();
  }
}

/** A new registry with the schemas that come with Millrace; register your own beside them. */
export function shippedSchemas(): SchemaRegistry {
  const registry = new SchemaRegistry();
  registry.register(WebRequest, { name: 'web-request', version: 1 });
  return registry;
}
