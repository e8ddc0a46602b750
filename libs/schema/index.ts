export { eventBreaks, type Reader, registryBreaks, type SchemaBreak } from './compatibility.js';
export { compileEventSchema, type EventSchema, type FieldKind, type SchemaProblem } from './event-schema.js';
export type { EventClass, ObjectSchema } from './json-schema.js';
export { publicEventProblem } from './public-events.js';
export { type DescribedNoun, PUBLIC_JSON_SCHEMAS, publicMessageProblems } from './public-json-schemas.js';
export {
  type AvroField,
  type AvroRecord,
  type AvroType,
  PUBLIC_SCHEMAS,
  type PublicNoun,
} from './public-schemas.js';
export { SchemaNameError, SchemaUnsupportedError } from './schema.errors.js';
export { SchemaRegistry, shippedSchemas, type SchemaVersion } from './schema-registry.js';
export { WebRequest } from './web-request.js';
