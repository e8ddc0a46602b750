import type { JsonObject, JsonValue } from '#libs/kernel';

const PREFIX = 'ce-';

/** Headers as Node gives them: names in lower case. */
export type HeaderValues = Readonly<Record<string, string | readonly string[] | undefined>>;

/** Is it a CloudEvent in binary mode: its attributes are headers, the body is its data. */
export function isBinaryCloudEvent(headers: HeaderValues): boolean {
  return headers['ce-specversion'] !== undefined;
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

function decode(value: string): string {
  try {
    return decodeURIComponent(value);
  } catch {
    return value;
  }
}
