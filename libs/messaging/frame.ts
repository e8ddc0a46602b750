import { constants, zstdCompressSync, zstdDecompressSync } from 'node:zlib';
import { UndecodableFrameError } from './messaging.errors.js';
import type { Position } from './position.js';

// A frame is one message that carries many items of one partition: a header line, then a line an item, all JSON.
// The cost in Node is per message, not per item; see docs/wire-format.md for the format as other programs see it.

/** The property that names the encoding of a payload, and its values. */
export const CONTENT_TYPE = 'content-type';
export const FRAME_CONTENT_TYPE = 'application/vnd.millrace.frame+ndjson';
export const FRAME_ZSTD_CONTENT_TYPE = 'application/vnd.millrace.frame+ndjson+zstd';
/** Who numbered the message, and its number: see `sequenced` inputs in libs/functions. */
export const PRODUCER_PROPERTY = 'millrace-producer';
export const SEQUENCE_PROPERTY = 'millrace-seq';

export const FRAME_VERSION = 1;

/** Which stretch of the input a frame was made from: `(after, upTo]`. */
export interface Covers {
  readonly after: Position;
  readonly upTo: Position;
}

/** Signs that travel among the events of a partition. */
export type Marker =
  /** A stream begins; every partition carries this before the stream's first event. */
  | { readonly type: 'open'; readonly stream: string }
  /** The sender says that the stream is complete so far. */
  | { readonly type: 'closing'; readonly stream: string; readonly closeId: string };

/** What one upstream task says about a stream from this frame on. Absent: nothing new. */
export interface StreamProgress {
  /** No event of the stream below this is on time any more; epoch milliseconds. */
  readonly watermarkMs?: number;
  /** Windows that start at or before `untilMs` are final. */
  readonly closed?: { readonly closeId: string; readonly untilMs: number };
}

export interface FrameHeader {
  readonly v: typeof FRAME_VERSION;
  readonly kind: 'raw' | 'enriched' | 'partials' | 'judged';
  /** `raw`: ids that start with this were made by ingest, so they cannot repeat. */
  readonly generatedIds?: string;
  /** `raw`, `enriched`. Markers apply after the items of the frame. */
  readonly markers?: readonly Marker[];
  /** `enriched`. */
  readonly covers?: Covers;
  /** `enriched`: an empty frame that says: enrich has read to the end. */
  readonly caughtUp?: true;
  /** `enriched`: events that ended in enrich and only need to be counted: stream → fate → count. */
  readonly dropped?: Readonly<Record<string, Readonly<Record<string, number>>>>;
  /** `partials`, `judged`: stream → progress; applies after the items of the frame. */
  readonly progress?: Readonly<Record<string, StreamProgress>>;
}

export interface Frame<T = unknown> {
  readonly header: FrameHeader;
  readonly items: readonly T[];
}

/** Below this, compressing costs more than it saves. */
const MIN_COMPRESSED_BYTES = 2 * 1024;
/** Zstandard level 1: eight times smaller at 500 MB/s and more; frames are short-lived. */
const ZSTD_OPTIONS = {
  params: { [constants.ZSTD_c_compressionLevel]: 1 },
  // What most frames fit into. By default 64 KiB are taken for each, and are held as long as the payload is.
  chunkSize: 8 * 1024,
};

/** A frame as a message carries it. */
export interface EncodedFrame {
  readonly payload: Buffer;
  readonly properties: Readonly<Record<string, string>>;
}

/**
 * The payload of a frame and the property that says how to read it; compressed where that pays.
 *
 * @param lines the items, each already JSON without a line break
 */
export function encodeFrame(header: FrameHeader, lines: readonly string[]): EncodedFrame {
  const head = JSON.stringify(header);
  return encoded(Buffer.from(lines.length === 0 ? head : `${head}\n${lines.join('\n')}`));
}

/**
 * The same of items that are bytes already.
 *
 * @param text items from `itemsAt` on, each behind a line feed, in UTF-8; before them is room for the header, which is written there
 */
export function encodeFrameText(header: FrameHeader, text: Buffer, itemsAt: number): EncodedFrame {
  const head = JSON.stringify(header);
  const from = itemsAt - Buffer.byteLength(head);
  if (from < 0 || text.length < itemsAt)
    return encoded(Buffer.concat([Buffer.from(head), text.subarray(itemsAt)]));
  text.write(head, from);
  const whole = text.subarray(from);
  // What is not compressed would stay a view of what is not ours.
  return encoded(whole.length < MIN_COMPRESSED_BYTES ? Buffer.from(whole) : whole);
}

function encoded(text: Buffer): EncodedFrame {
  if (text.byteLength < MIN_COMPRESSED_BYTES)
    return { payload: text, properties: { [CONTENT_TYPE]: FRAME_CONTENT_TYPE } };
  const payload = zstdCompressSync(text, ZSTD_OPTIONS);
  return { payload, properties: { [CONTENT_TYPE]: FRAME_ZSTD_CONTENT_TYPE } };
}

/**
 * Reads a frame of the kind that the topic carries.
 *
 * @throws UndecodableFrameError
 */
export function decodeFrame<T>(payload: Uint8Array, kind: FrameHeader['kind']): Frame<T> {
  const text = textOf(payload);
  try {
    const lineEnd = text.indexOf('\n');
    const header = JSON.parse(lineEnd < 0 ? text : text.slice(0, lineEnd)) as FrameHeader;
    if (header.v !== FRAME_VERSION)
      throw new UndecodableFrameError(`version ${String(header.v)}, wanted ${FRAME_VERSION}`);
    if (header.kind !== kind) throw new UndecodableFrameError(`kind ${String(header.kind)}, wanted ${kind}`);
    // One parse of the whole body is faster than one a line.
    const items =
      lineEnd < 0 ? [] : (JSON.parse(`[${text.slice(lineEnd + 1).replaceAll('\n', ',')}]`) as T[]);
    return { header, items };
  } catch (error) {
    if (error instanceof UndecodableFrameError) throw error;
    throw new UndecodableFrameError(error instanceof Error ? error.message : String(error));
  }
}

/** Zstandard's magic number; no JSON begins so. */
const ZSTD_MAGIC = 0xfd2fb528;
/** Far above any frame: a payload that inflates to more is no frame of ours. */
const MAX_INFLATED_BYTES = 64 * 1024 * 1024;

function textOf(payload: Uint8Array): string {
  const bytes = Buffer.from(payload.buffer, payload.byteOffset, payload.byteLength);
  if (bytes.length < 4 || bytes.readUInt32LE(0) !== ZSTD_MAGIC) return bytes.toString('utf8');
  try {
    return zstdDecompressSync(bytes, { maxOutputLength: MAX_INFLATED_BYTES }).toString('utf8');
  } catch (error) {
    throw new UndecodableFrameError(`not zstd: ${error instanceof Error ? error.message : String(error)}`);
  }
}
