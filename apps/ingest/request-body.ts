import type { FastifyRequest } from 'fastify';
import type { Readable } from 'node:stream';
import { LineReader, type TextLine } from '#libs/ingestion';
import {
  BodyIncompleteError,
  BodyNotJsonError,
  BodyTooLargeError,
  ContentEncodingUnsupportedError,
} from './ingest.errors.js';

/** The most bytes of a body that has to be read as a whole. */
export const MAX_JSON_BODY_BYTES = 1024 * 1024;

/** The media type of a body, without parameters, in lower case; undefined if none is stated. */
export function mediaTypeOf(request: FastifyRequest): string | undefined {
  return request.headers['content-type']?.split(';', 1)[0]?.trim().toLowerCase();
}

/** The bytes of a body as they come. The sender waits while a chunk is being worked on. */
async function* chunksOf(request: FastifyRequest): AsyncGenerator<Uint8Array> {
  const encoding = request.headers['content-encoding'] ?? 'identity';
  if (encoding !== 'identity') throw new ContentEncodingUnsupportedError(encoding);
  const body = (request.body ?? request.raw) as Readable;
  try {
    // Refused in the middle, a body stays open: Node throws away what is left of it once the answer is written.
    for await (const chunk of body.iterator({ destroyOnReturn: false })) yield chunk as Uint8Array;
  } catch (error) {
    throw new BodyIncompleteError(error);
  }
}

/**
 * The lines of a body, however long it is, a chunk's worth at a time. A line that the body breaks off in is none.
 *
 * @throws BodyIncompleteError
 */
export async function* lineChunksOf(request: FastifyRequest): AsyncGenerator<Iterable<TextLine>> {
  const reader = new LineReader();
  for await (const chunk of chunksOf(request)) yield reader.push(chunk);
  yield reader.end();
}

/**
 * A body as JSON.
 *
 * @throws BodyTooLargeError above 1 MiB, BodyNotJsonError, BodyIncompleteError
 */
export async function jsonOf(request: FastifyRequest): Promise<unknown> {
  if (Number(request.headers['content-length']) > MAX_JSON_BODY_BYTES)
    throw new BodyTooLargeError(MAX_JSON_BODY_BYTES);
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of chunksOf(request)) {
    bytes += chunk.byteLength;
    if (bytes > MAX_JSON_BODY_BYTES) throw new BodyTooLargeError(MAX_JSON_BODY_BYTES);
    chunks.push(chunk);
  }
  try {
    return JSON.parse(Buffer.concat(chunks).toString('utf8'));
  } catch (error) {
    throw new BodyNotJsonError(error instanceof Error ? error.message : String(error));
  }
}
