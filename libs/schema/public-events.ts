import { type AvroRecord, type AvroType, PUBLIC_SCHEMAS, type PublicNoun } from './public-schemas.js';

/** Types of the events on public topics, in CloudEvents' words, by what they carry. */
const NOUN_OF_TYPE: Readonly<Record<string, PublicNoun>> = {
  'com.millrace.result.v1': 'results',
  'com.millrace.late.v1': 'late',
  'com.millrace.dead.v1': 'dead',
  'com.millrace.alert.v1': 'alerts',
  'com.millrace.notification.v1': 'notifications',
};

/**
 * What of the data is not as the published schema of the event's type says, with its path; undefined: nothing, or the type is none of
 * Millrace's. Fields that the schema does not know are fine: they may come with a newer version.
 */
export function publicEventProblem(type: string, data: unknown): string | undefined {
  const noun = NOUN_OF_TYPE[type];
  return noun === undefined ? undefined : problemAt('', PUBLIC_SCHEMAS[noun], data);
}

function problemAt(path: string, type: AvroType, value: unknown): string | undefined {
  if (typeof type === 'string') return isScalar(type, value) ? undefined : wrong(path, type, value);
  if ('type' in type) return structureProblem(path, type, value);
  // A union: one of its types has to fit. What is said is of the one that is not null, if there is only one.
  const problems = type.map((each) => problemAt(path, each, value));
  if (problems.includes(undefined)) return undefined;
  const [only, ...others] = type.filter((each) => each !== 'null');
  return only !== undefined && others.length === 0
    ? problemAt(path, only, value)
    : wrong(path, type.map(nameOf).join(' or '), value);
}

type Structure = Exclude<AvroType, string | readonly AvroType[]>;

function structureProblem(path: string, type: Structure, value: unknown): string | undefined {
  if (type.type === 'array') {
    if (!Array.isArray(value)) return wrong(path, 'an array', value);
    return first(value.map((each, place) => problemAt(`${path}[${place}]`, type.items, each)));
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    return wrong(path, nameOf(type), value);
  if (type.type === 'map')
    return first(
      Object.entries(value).map(([name, each]) => problemAt(within(path, name), type.values, each)),
    );
  return recordProblem(path, type, value as Readonly<Record<string, unknown>>);
}

function recordProblem(
  path: string,
  { fields }: AvroRecord,
  value: Readonly<Record<string, unknown>>,
): string | undefined {
  return first(fields.map(({ name, type }) => problemAt(within(path, name), type, value[name] ?? null)));
}

function isScalar(type: string, value: unknown): boolean {
  switch (type) {
    case 'null':
      return value === null;
    case 'boolean':
    case 'string':
      return typeof value === type;
    case 'int':
    case 'long':
      return Number.isInteger(value);
    default:
      return typeof value === 'number';
  }
}

function nameOf(type: AvroType): string {
  if (typeof type === 'string') return type;
  return 'type' in type ? (type.type === 'array' ? 'an array' : 'an object') : type.map(nameOf).join(' or ');
}

function wrong(path: string, wanted: string, found: unknown): string {
  const shown = (JSON.stringify(found) ?? String(found)).slice(0, 100);
  return `${path === '' ? 'the data' : path}: wanted ${wanted}, found ${shown}`;
}

function within(path: string, name: string): string {
  return path === '' ? name : `${path}.${name}`;
}

function first(problems: readonly (string | undefined)[]): string | undefined {
  return problems.find((problem) => problem !== undefined);
}
