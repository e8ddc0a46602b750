import { type DeadEvent, type JsonObject, MAX_DEAD_ORIGINAL_BYTES, type StreamEvent } from '#libs/kernel';

/** An event as it comes in; stream and type are those of the request and its pipeline. */
export interface IncomingEvent {
  /** The sender's, at most 512 characters. Absent: one is made. */
  readonly id?: string;
  /** Epoch milliseconds. */
  readonly timeMs: number;
  /** Events of a key keep their order. Absent: the id decides the partition. */
  readonly key?: string;
  readonly data: object;
}

/** Why an item is refused. */
export interface ItemProblem {
  /** A row in docs/errors.md. */
  readonly code: string;
  /** A sentence: what was found and what would be right. */
  readonly detail: string;
  /** JSON pointer of the offending field. */
  readonly path?: string;
}

/** Where an item stands in its request. */
export interface ItemPlace {
  /** 0-based, blank lines not counted. */
  readonly index: number;
  /** 1-based, of bodies that are lines. */
  readonly line?: number;
}

/** An item as it was sent. */
export interface Original {
  /** All of it, or at least its first 8 KiB. */
  readonly text: string;
  readonly bytes: number;
  /** It came as a line of a log, not as an event. */
  readonly isLogLine?: true;
}

/** The event as it travels, as JSON. */
export function encodeEvent(event: Omit<StreamEvent, 'key'> & { readonly key?: string | undefined }): string {
  return JSON.stringify(event);
}

/** An item that was refused, as it travels in the place of the event, as JSON. */
export function encodeDead(
  { id, stream, receivedMs }: Pick<DeadEvent, 'id' | 'stream' | 'receivedMs'>,
  { code, detail, path }: ItemProblem,
  place: ItemPlace,
  original: Original,
): string {
  const dead: DeadEvent = {
    id,
    stream,
    receivedMs,
    dead: {
      code,
      reason: detail,
      stage: 'ingest',
      ...(place.line === undefined ? { index: place.index } : { line: place.line }),
      ...(path === undefined ? {} : { path }),
      attempts: 1,
      ...(original.isLogLine === true ? { isLogLine: true } : {}),
      original: beginning(original.text),
      originalBytes: original.bytes,
    },
  };
  return JSON.stringify(dead);
}

/** As much of a text as a dead letter keeps, ending at the end of a character. */
function beginning(text: string): string {
  const bytes = Buffer.from(text.slice(0, MAX_DEAD_ORIGINAL_BYTES));
  if (bytes.length <= MAX_DEAD_ORIGINAL_BYTES) return text.slice(0, MAX_DEAD_ORIGINAL_BYTES);
  let end = MAX_DEAD_ORIGINAL_BYTES;
  // 0b10xxxxxx: the middle of a character of several bytes.
  while (((bytes[end] ?? 0) & 0b1100_0000) === 0b1000_0000) end--;
  return bytes.toString('utf8', 0, end);
}

/** A text that was sent as it stands. */
export function originalText(text: string): Original {
  return { text, bytes: Buffer.byteLength(text) };
}

/** A line of a log as it stands. */
export function originalLine(text: string): Original {
  return { text, bytes: Buffer.byteLength(text), isLogLine: true };
}

/** A value that was sent within a larger body. */
export function originalValue(value: unknown): Original {
  try {
    return originalText(JSON.stringify(value) ?? String(value));
  } catch {
    // Nested deeper than the stack.
    return originalText('(nested too deeply to be kept)');
  }
}

/** How deep the data of an event may be nested: every stage behind prints it again, on its own stack. */
export const MAX_DEPTH = 64;

/** Is a value nested deeper than {@link MAX_DEPTH}. */
export function isTooDeep(value: unknown, depth = MAX_DEPTH): boolean {
  if (typeof value !== 'object' || value === null) return false;
  if (depth === 0) return true;
  for (const part of Object.values(value as JsonObject)) {
    if (typeof part === 'object' && isTooDeep(part, depth - 1)) return true;
  }
  return false;
}
