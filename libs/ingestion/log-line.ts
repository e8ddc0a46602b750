import { parseAccessLine } from './access-line.js';
import { parseJsonLine } from './json-line.js';
import type { LogTemplate } from './log-template.js';
import {
  isLogFormat,
  type LogFormat,
  type ParsedLine,
  type RejectedLine,
  rejectedLine,
} from './parsed-line.js';

const OPENING_BRACE = 123;

/**
 * Reads one line of a web server's log. Takes time in proportion to the line's length, whatever it holds.
 *
 * @param format only this one; default: found from the line itself
 */
export function parseLogLine(text: string, format?: LogFormat): ParsedLine {
  switch (format) {
    case 'nginx-json':
    case 'json':
      return parseJsonLine(text, format);
    case undefined:
      return isObjectLike(text) ? parseJsonLine(text) : parseAccessLine(text);
    default:
      return parseAccessLine(text, format);
  }
}

function isObjectLike(text: string): boolean {
  const first = text.charCodeAt(0);
  return first === OPENING_BRACE || (first <= 32 && text.trimStart().charCodeAt(0) === OPENING_BRACE);
}

/** A format that a pipeline takes: one that is known by its name, or one that its file declares. */
export interface AcceptedFormat {
  readonly name: string;
  readonly template?: LogTemplate;
}

/** What a line that shows itself as one format may be taken for, where the pipeline takes that instead. */
const ALSO: Readonly<Record<string, readonly LogFormat[]>> = {
  combined: ['nginx'],
  vhost_combined: ['combined'],
  vhost_common: ['common'],
  'nginx-json': ['json'],
};

/** Reads the lines of one pipeline: declared formats in their order, then whatever known format the line shows itself as. */
export class LogLineParser {
  /** The names of the formats that are taken, in their order. */
  readonly names: readonly string[];
  readonly #declared: readonly (readonly [string, LogTemplate])[];

  constructor(formats: readonly AcceptedFormat[]) {
    this.names = formats.map(({ name }) => name);
    this.#declared = formats.flatMap(({ name, template }) =>
      template === undefined ? [] : [[name, template] as const],
    );
  }

  /** @param wanted only this one, which is among {@link names}; default: found from the line itself */
  parse(text: string, wanted?: string): ParsedLine {
    if (wanted === undefined) return this.#find(text);
    const template = this.#declared.find(([name]) => name === wanted)?.[1];
    if (template !== undefined) return template.parse(text, wanted);
    return isLogFormat(wanted) ? parseLogLine(text, wanted) : this.#refused(wanted);
  }

  #find(text: string): ParsedLine {
    let problem: RejectedLine | undefined;
    for (const [name, template] of this.#declared) {
      const parsed = template.parse(text, name);
      if (parsed.kind === 'parsed') return parsed;
      problem ??= parsed;
    }
    // Without a known format there is nothing else to try, and the reason is that of the declared one.
    if (problem !== undefined && this.names.length === this.#declared.length) return problem;
    const parsed = parseLogLine(text);
    if (parsed.kind === 'rejected') return parsed;
    const format = [parsed.format, ...(ALSO[parsed.format] ?? [])].find((name) => this.names.includes(name));
    if (format === undefined) return this.#refused(parsed.format);
    return format === parsed.format ? parsed : { ...parsed, format };
  }

  #refused(format: string): RejectedLine {
    const reason = `the line is of the format ${format}; the pipeline takes ${this.names.join(', ')}`;
    return rejectedLine('LINE_UNPARSABLE', reason);
  }
}
