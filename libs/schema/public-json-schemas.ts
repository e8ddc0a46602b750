import { Ajv2020 } from 'ajv/dist/2020.js';
import type { JsonObject, JsonValue } from '#libs/kernel';
import { type AvroRecord, type AvroType, PUBLIC_SCHEMAS } from './public-schemas.js';

// What is on `alerts` and `notifications`, as JSON Schema 2020-12: the records of Pulsar's registry, and beside them what
// those can't say: which fields are always there, and which values there are. Readers should take it for what is sent
// today, and put up with more: new fields and values may come. docs/schemas holds them as files.

const TIME = { type: 'string', format: 'date-time' };
/** Types that have another name in JSON Schema. */
const NAMES: Readonly<Record<string, string>> = { int: 'integer', long: 'integer', double: 'number' };
const STATUSES = ['inactive', 'pending', 'firing', 'recovering', 'nodata', 'resolved'];

/** What a record can't say of its fields. */
interface Beside {
  readonly title: string;
  readonly description: string;
  readonly required: readonly string[];
  /** By the name of the field. */
  readonly fields: Readonly<Record<string, JsonObject>>;
}

const ALERT: Beside = {
  title: 'Alert',
  description: 'One transition of one alert: the data of a message on <pipeline>.alerts.',
  required: [
    ...['fingerprint', 'episode', 'sequence', 'pipeline', 'rule', 'severity', 'summary', 'labels', 'from'],
    ...['status', 'reason', 'since', 'startedAt', 'value', 'condition'],
  ],
  fields: {
    fingerprint: { type: 'string', pattern: '^[0-9a-f]{32}$' },
    episode: { type: 'string', pattern: '^[0-9a-f]{32}--?[0-9]+$' },
    sequence: { type: 'integer', minimum: 0 },
    severity: { enum: ['info', 'warning', 'critical'] },
    from: { enum: STATUSES },
    status: { enum: STATUSES },
    since: TIME,
    startedAt: TIME,
    firedAt: TIME,
    resolvedAt: TIME,
    value: { type: ['number', 'null'] },
    flapping: { const: true },
    historical: { const: true },
  },
};

const NOTIFICATION: Beside = {
  title: 'Notification',
  description: 'What a group of alerts tells: the data of a message on <pipeline>.notifications.',
  required: [
    ...['id', 'pipeline', 'groupKey', 'groupLabels', 'status', 'reason', 'at', 'alerts', 'truncatedAlerts'],
  ],
  fields: {
    groupLabels: { type: 'object', additionalProperties: { type: 'string' } },
    status: { enum: ['firing', 'resolved'] },
    reason: { enum: ['changed', 'repeat'] },
    at: TIME,
    alerts: { type: 'array', minItems: 1, maxItems: 100, items: schemaOf(PUBLIC_SCHEMAS.alerts, ALERT) },
    truncatedAlerts: { type: 'integer', minimum: 0 },
  },
};

/** The topics whose messages have a JSON Schema of their own. */
export type DescribedNoun = 'alerts' | 'notifications';

/** JSON Schemas of the data of messages on public topics. */
export const PUBLIC_JSON_SCHEMAS: Readonly<Record<DescribedNoun, JsonObject>> = {
  alerts: published('alerts', schemaOf(PUBLIC_SCHEMAS.alerts, ALERT)),
  notifications: published('notifications', schemaOf(PUBLIC_SCHEMAS.notifications, NOTIFICATION)),
};

const CHECKS = Object.fromEntries(
  Object.entries(PUBLIC_JSON_SCHEMAS).map(([noun, schema]) => [noun, compiled(schema)]),
) as Readonly<Record<DescribedNoun, ReturnType<Ajv2020['compile']>>>;

/** Everything that is not as today's schema of the topic says, each with its path; empty: nothing. */
export function publicMessageProblems(noun: DescribedNoun, data: unknown): readonly string[] {
  const check = CHECKS[noun];
  if (check(data)) return [];
  return (check.errors ?? []).map(({ instancePath, message = '' }) => `${instancePath || '/'} ${message}`);
}

function compiled(schema: JsonObject): ReturnType<Ajv2020['compile']> {
  const isTime = (text: string): boolean => new Date(text).toISOString() === text;
  const formats = { 'date-time': { type: 'string' as const, validate: isTime } };
  return new Ajv2020({ allErrors: true, allowUnionTypes: true, formats }).compile(schema);
}

function published(noun: DescribedNoun, schema: JsonObject): JsonObject {
  const $id = `urn:millrace:${noun}:v1`;
  return { $schema: 'https://json-schema.org/draft/2020-12/schema', $id, ...schema };
}

function schemaOf(record: AvroRecord, { title, description, required, fields }: Beside): JsonObject {
  return { title, description, ...recordSchema(record, fields), required };
}

function recordSchema(record: AvroRecord, beside: Beside['fields'] = {}): JsonObject {
  const properties = record.fields.map(({ name, type }) => [name, beside[name] ?? present(type)] as const);
  return { type: 'object', properties: Object.fromEntries(properties), additionalProperties: false };
}

/** A field that may be absent is a union with null; where it is there, it is the rest. */
function present(type: AvroType): JsonValue {
  return typeSchema(Array.isArray(type) && type.length === 2 ? (type[1] as AvroType) : type);
}

function typeSchema(type: AvroType): JsonObject {
  if (typeof type === 'string') return { type: NAMES[type] ?? type };
  if ('type' in type) {
    if (type.type === 'array') return { type: 'array', items: typeSchema(type.items) };
    if (type.type === 'map') return { type: 'object', additionalProperties: typeSchema(type.values) };
    return recordSchema(type);
  }
  return { anyOf: type.map(typeSchema) };
}
