import type { ObjectSchema, PropertySchema } from './json-schema.js';
import type { AvroField, AvroRecord, AvroType } from './public-schemas.js';

/** Who would be hurt by a change. */
export type Reader =
  /** The new program, when it reads events that were stored under the old schema. */
  | 'stored events'
  /** Programs that know the old schema and meet new events: older processes, functions, pipeline files, subscribers. */
  | 'older readers'
  /** Pulsar's registry, which would refuse the new schema (`FULL`). */
  | 'registry';

/** One way in which a change breaks somebody. */
export interface SchemaBreak {
  /** The field, with a dot into records: `dead.code`. */
  readonly field: string;
  readonly reader: Reader;
  /** A sentence. */
  readonly reason: string;
}

/** What breaks where events of one schema and programs of another meet, both ways. Wider bounds break nobody. */
export function eventBreaks(older: ObjectSchema, newer: ObjectSchema): readonly SchemaBreak[] {
  const fields = new Set([...Object.keys(older.properties), ...Object.keys(newer.properties)]);
  return [...fields].flatMap((field) => fieldBreaks(field, older, newer));
}

function fieldBreaks(field: string, older: ObjectSchema, newer: ObjectSchema): readonly SchemaBreak[] {
  const before = older.properties[field];
  const after = newer.properties[field];
  const wasRequired = older.required?.includes(field) === true;
  const isRequired = newer.required?.includes(field) === true;
  if (before === undefined) {
    // Data may have fields that no schema names, so one that is named now may be there already, as anything.
    const reason = 'is new and required; stored events have it not';
    return isRequired ? [{ field, reader: 'stored events', reason }] : [];
  }
  if (after === undefined)
    return [{ field, reader: 'older readers', reason: 'is gone; they read it by name' }];
  return [
    ...requirementBreaks(field, wasRequired, isRequired),
    ...typeBreaks(field, before, after),
    ...valueBreaks(field, before, after),
    ...boundBreaks(field, before, after),
  ];
}

function requirementBreaks(field: string, was: boolean, is: boolean): readonly SchemaBreak[] {
  if (was === is) return [];
  return is
    ? [{ field, reader: 'stored events', reason: 'is required now; stored events may lack it' }]
    : [{ field, reader: 'older readers', reason: 'may be absent now; they count on it' }];
}

function typeBreaks(field: string, before: PropertySchema, after: PropertySchema): readonly SchemaBreak[] {
  const [was, is] = [typesOf(before), typesOf(after)];
  const breaks: SchemaBreak[] = [];
  const lost = was.filter((type) => !covers(is, type));
  const added = is.filter((type) => !covers(was, type));
  if (lost.length > 0) {
    breaks.push({
      field,
      reader: 'stored events',
      reason: `may not be ${lost.join(' or ')} any more; in stored events it may`,
    });
  }
  if (added.length > 0) {
    breaks.push({
      field,
      reader: 'older readers',
      reason: `may be ${added.join(' or ')} now; they expect ${was.join(' or ')}`,
    });
  }
  return breaks;
}

const ANY_TYPE: readonly string[] = ['string', 'number', 'boolean', 'object', 'array', 'null'];

function typesOf({ type }: PropertySchema): readonly string[] {
  if (type === undefined) return ANY_TYPE;
  return typeof type === 'string' ? [type] : type;
}

function covers(types: readonly string[], type: string): boolean {
  return types.includes(type) || (type === 'integer' && types.includes('number'));
}

function valueBreaks(field: string, before: PropertySchema, after: PropertySchema): readonly SchemaBreak[] {
  const was = before.enum;
  const is = after.enum;
  const lost = is === undefined ? [] : was === undefined ? ['values beyond the list'] : without(was, is);
  const added = was === undefined ? [] : is === undefined ? ['values beyond the list'] : without(is, was);
  return [
    ...(lost.length === 0
      ? []
      : [{ field, reader: 'stored events' as const, reason: `may not be ${listed(lost)} any more` }]),
    ...(added.length === 0
      ? []
      : [{ field, reader: 'older readers' as const, reason: `may be ${listed(added)} now` }]),
  ];
}

function without(values: readonly unknown[], others: readonly unknown[]): readonly unknown[] {
  return values.filter((value) => !others.includes(value));
}

function listed(values: readonly unknown[]): string {
  return values.map((value) => (typeof value === 'string' ? value : JSON.stringify(value))).join(', ');
}

/** Keywords of which a higher value, or a lower one, takes less. */
const LEAST = ['minimum', 'exclusiveMinimum', 'minLength', 'minItems'];
const MOST = ['maximum', 'exclusiveMaximum', 'maxLength', 'maxItems'];

function boundBreaks(field: string, before: PropertySchema, after: PropertySchema): readonly SchemaBreak[] {
  const tighter = [
    ...LEAST.filter((keyword) => numberAt(after, keyword, -Infinity) > numberAt(before, keyword, -Infinity)),
    ...MOST.filter((keyword) => numberAt(after, keyword, Infinity) < numberAt(before, keyword, Infinity)),
    ...(after['pattern'] !== undefined && after['pattern'] !== before['pattern'] ? ['pattern'] : []),
  ];
  return tighter.map((keyword) => ({
    field,
    reader: 'stored events',
    reason: `has the ${keyword} ${String(after[keyword])} now, it was ${String(before[keyword] ?? 'none')}`,
  }));
}

function numberAt(property: PropertySchema, keyword: string, otherwise: number): number {
  const value = property[keyword];
  return typeof value === 'number' ? value : otherwise;
}

/** What Pulsar's registry would refuse, where schemas have to fit both ways (`FULL`): see Avro's schema resolution. */
export function registryBreaks(older: AvroRecord, newer: AvroRecord, path = ''): readonly SchemaBreak[] {
  const before = new Map(older.fields.map((field) => [field.name, field]));
  const after = new Map(newer.fields.map((field) => [field.name, field]));
  const renamed: readonly SchemaBreak[] =
    older.name === newer.name
      ? []
      : [{ field: path || older.name, reader: 'registry', reason: `is the record ${newer.name} now` }];
  return [
    ...renamed,
    ...[...before].flatMap(([name, field]) => changeBreaks(path + name, field, after.get(name))),
    ...[...after].flatMap(([name, field]) =>
      before.has(name) ? [] : withoutDefault(path + name, field, 'is new'),
    ),
  ];
}

function changeBreaks(
  field: string,
  before: AvroField,
  after: AvroField | undefined,
): readonly SchemaBreak[] {
  if (after === undefined) return withoutDefault(field, before, 'is gone');
  return [
    ...avroBreaks(field, before.type, after.type),
    ...(before.default === after.default
      ? []
      : [{ field, reader: 'registry' as const, reason: 'has another default' }]),
  ];
}

function withoutDefault(field: string, { default: value }: AvroField, what: string): readonly SchemaBreak[] {
  if (value !== undefined) return [];
  return [{ field, reader: 'registry', reason: `${what}, and has no default` }];
}

function avroBreaks(field: string, before: AvroType, after: AvroType): readonly SchemaBreak[] {
  if (isRecord(before) && isRecord(after)) return registryBreaks(before, after, `${field}.`);
  if (isUnion(before) && isUnion(after) && before.length === after.length) {
    return before.flatMap((each, i) => avroBreaks(field, each, after[i] ?? 'null'));
  }
  const [inBefore, inAfter] = [contentOf(before), contentOf(after)];
  const isSameKind = kindOf(before) === kindOf(after);
  if (isSameKind && inBefore !== undefined && inAfter !== undefined)
    return avroBreaks(field, inBefore, inAfter);
  if (before === after) return [];
  const reason = `is ${JSON.stringify(after)} now, it was ${JSON.stringify(before)}`;
  return [{ field, reader: 'registry', reason }];
}

/** Of a list or a map. */
function contentOf(type: AvroType): AvroType | undefined {
  if (typeof type !== 'object' || !('type' in type) || type.type === 'record') return undefined;
  return type.type === 'array' ? type.items : type.values;
}

function isUnion(type: AvroType): type is readonly AvroType[] {
  return Array.isArray(type);
}

function isRecord(type: AvroType): type is AvroRecord {
  return kindOf(type) === 'record';
}

function kindOf(type: AvroType): string | undefined {
  return typeof type === 'object' && 'type' in type ? type.type : undefined;
}
