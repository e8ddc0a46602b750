import { isJsonObject, type JsonObject, type JsonValue } from '#libs/kernel';

// Names of users' fields in MongoDB's documents. There a dot is a path, a dollar an operator, a zero byte an end:
// these stand as %2E, %24 and %00, the percent sign itself as %25; all other names stay as they are.

const SPECIAL = /[%.$\0]/g;
const ANY_SPECIAL = /[%.$\0]/;
const isSpecial = (name: string): boolean => ANY_SPECIAL.test(name);
const isStoredSpecial = (name: string): boolean => name.includes('%');

/** A name as it is stored. */
export function storedName(name: string): string {
  return name.replace(
    SPECIAL,
    (sign) => `%${sign.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`,
  );
}

/** The name that {@link storedName} was given. */
export function originalName(name: string): string {
  return name.replace(/%(25|2E|24|00)/g, (_, code: string) => String.fromCharCode(Number.parseInt(code, 16)));
}

/** A value with the names of all its fields as they are stored. */
export function withStoredNames<T extends JsonValue>(value: T): T {
  // Hardly any name has such a sign: then nothing is copied.
  return hasName(value, isSpecial) ? (renamed(value, storedName) as T) : value;
}

/** What {@link withStoredNames} was given. */
export function withOriginalNames<T extends JsonValue>(value: T): T {
  return hasName(value, isStoredSpecial) ? (renamed(value, originalName) as T) : value;
}

function hasName(value: JsonValue | undefined, isIt: (name: string) => boolean): boolean {
  if (typeof value !== 'object' || value === null) return false;
  if (Array.isArray(value)) return value.some((item) => hasName(item, isIt));
  // Once for every field of every row: no array of entries, no call for what has no fields.
  for (const name of Object.keys(value)) {
    if (isIt(name)) return true;
    const item = (value as JsonObject)[name];
    if (typeof item === 'object' && hasName(item, isIt)) return true;
  }
  return false;
}

function renamed(value: JsonValue | undefined, rename: (name: string) => string): JsonValue {
  if (value === undefined) return null;
  if (Array.isArray(value)) return value.map((item) => renamed(item, rename));
  if (!isJsonObject(value)) return value;
  const entries = Object.entries(value as JsonObject).filter(([, item]) => item !== undefined);
  return Object.fromEntries(entries.map(([name, item]) => [rename(name), renamed(item, rename)]));
}
