import type { JsonValue } from '#libs/kernel';

/**
 * Formats of log lines that are known by name: Apache's `combined` and `common`, both also with the virtual host in
 * front; nginx's default; an object of JSON with nginx's variables; any other JSON.
 */
export const LOG_FORMATS = [
  'combined',
  'common',
  'vhost_combined',
  'vhost_common',
  'nginx',
  'nginx-json',
  'json',
] as const;
export type LogFormat = (typeof LOG_FORMATS)[number];

/** Does this name stand for one of {@link LOG_FORMATS}. */
export function isLogFormat(name: string): name is LogFormat {
  return (LOG_FORMATS as readonly string[]).includes(name);
}

/** Why a line is refused; each is a row in docs/errors.md. */
export type LineProblemCode = 'LINE_UNPARSABLE' | 'TIME_INVALID' | 'REQUEST_INVALID';

/** The data of an event of type `web-request@1`, as far as the line had it; not checked against the schema. */
export type LineData = Record<string, JsonValue | undefined>;

export interface RejectedLine {
  readonly kind: 'rejected';
  readonly code: LineProblemCode;
  /** A sentence: what was found and what would be right. */
  readonly reason: string;
  /** JSON pointer of the offending field, for lines of JSON. */
  readonly path?: string;
}

export type ParsedLine =
  | {
      readonly kind: 'parsed';
      /** One of {@link LOG_FORMATS}, or the name of a declared one. */
      readonly format: string;
      readonly timeMs: number;
      readonly data: LineData;
    }
  | RejectedLine;

export function rejectedLine(code: LineProblemCode, reason: string, path?: string): RejectedLine {
  return path === undefined ? { kind: 'rejected', code, reason } : { kind: 'rejected', code, reason, path };
}

const MAX_SHOWN_LENGTH = 80;

/** A piece of input for a sentence, quoted and not too long. */
export function shown(value: unknown): string {
  const text = typeof value === 'object' && value !== null ? kindOf(value) : plainlyShown(value);
  return text.length <= MAX_SHOWN_LENGTH ? text : `${text.slice(0, MAX_SHOWN_LENGTH)}…`;
}

/** JSON has no word for the infinity that 1e400 is read as. */
function plainlyShown(value: unknown): string {
  return typeof value === 'number' ? String(value) : (JSON.stringify(value) ?? 'missing');
}

/** An object is not printed: it may be nested deeper than the stack. */
function kindOf(value: object): string {
  return Array.isArray(value) ? `an array of ${value.length} items` : 'an object';
}
