import type { JsonValue } from '#libs/kernel';

/** Formats of log lines: Apache's and nginx's combined and common, nginx's as JSON, any other JSON. */
export const LOG_FORMATS = ['combined', 'common', 'nginx-json', 'json'] as const;
export type LogFormat = (typeof LOG_FORMATS)[number];

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
  | { readonly kind: 'parsed'; readonly format: LogFormat; readonly timeMs: number; readonly data: LineData }
  | RejectedLine;

export function rejectedLine(code: LineProblemCode, reason: string, path?: string): RejectedLine {
  return path === undefined ? { kind: 'rejected', code, reason } : { kind: 'rejected', code, reason, path };
}

const MAX_SHOWN_LENGTH = 80;

/** A piece of input for a sentence, quoted and not too long. */
export function shown(value: unknown): string {
  const text =
    typeof value === 'object' && value !== null ? kindOf(value) : (JSON.stringify(value) ?? 'missing');
  return text.length <= MAX_SHOWN_LENGTH ? text : `${text.slice(0, MAX_SHOWN_LENGTH)}…`;
}

/** An object is not printed: it may be nested deeper than the stack. */
function kindOf(value: object): string {
  return Array.isArray(value) ? `an array of ${value.length} items` : 'an object';
}
