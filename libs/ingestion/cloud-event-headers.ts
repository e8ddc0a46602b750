import type { JsonObject, JsonValue } from '#libs/kernel';

const PREFIX = 'ce-';
/** What every CloudEvent has. */
const REQUIRED = ['ce-specversion', 'ce-id', 'ce-source', 'ce-type'];

/** Headers as Node gives them: names in lower case. */
export type HeaderValues = Readonly<Record<string, string | readonly string[] | undefined>>;

/** Is it meant as a CloudEvent in binary mode: its attributes are headers, the body is its data. One of them may be missing. */
export function isBinaryCloudEvent(headers: HeaderValues): boolean {
  return REQUIRED.some((name) => headers[name] !== undefined);
}

/** The CloudEvent in its structured form, for {@link parseEvent}. Values are percent-decoded, as its HTTP binding says. */
export function binaryCloudEvent(headers: HeaderValues, data: JsonValue): JsonObject {
  const attributes: Record<string, JsonValue> = {};
  for (const [name, value] of Object.entries(headers)) {
    if (name.startsWith(PREFIX) && typeof value === 'string')
      attributes[name.slice(PREFIX.length)] = decode(value);
  }
  return { ...attributes, data };
}

/** Between quotes a backslash stands before the character that is meant (HTTP binding 3.1.3.2). */
function decode(value: string): string {
  const isQuoted = value.length > 1 && value.startsWith('"') && value.endsWith('"');
  const text = isQuoted ? value.slice(1, -1).replaceAll(/\\(.)/g, '$1') : value;
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
