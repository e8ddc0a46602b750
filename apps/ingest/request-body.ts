import { Inject, Injectable } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import type { Readable } from 'node:stream';
import { LineReader, type TextLine } from '#libs/ingestion';
import { Configuration } from '#libs/platform';
import { BodyBuffers } from './body-buffers.js';
import { collected } from './collected-body.js';
import { inflatedChunks } from './inflated-body.js';
import { BodyNotJsonError, BodyTooLargeError } from './ingest.errors.js';
import { assertText } from './text-body.js';

/** The most bytes of a body that has to be read as a whole. */
export const MAX_JSON_BODY_BYTES = 1024 * 1024;

/** The media type of a body, without parameters, in lower case; undefined if none is stated. */
export function mediaTypeOf(request: FastifyRequest): string | undefined {
  return request.headers['content-type']?.split(';', 1)[0]?.trim().toLowerCase();
}

/** Reads the bodies of requests. */
@Injectable()
export class RequestBodies {
  readonly #buffers = new BodyBuffers();

  constructor(@Inject(Configuration) private readonly configuration: { readonly values: BodySettings }) {}

  /**
   * The lines of a body, however long it is, a chunk's worth at a time. A line that the body breaks off in is none.
   *
   * @throws BodyIncompleteError, and what {@link inflatedChunks} throws
   */
  async *lineChunks(request: FastifyRequest): AsyncGenerator<Iterable<TextLine>> {
    const reader = new LineReader();
    for await (const chunk of this.#chunksOf(request)) yield reader.push(chunk);
    yield reader.end();
  }

  /**
   * A body as a whole.
   *
   * @throws BodyTooLargeError above 1 MiB, BodyIncompleteError, and what {@link inflatedChunks} throws
   */
  whole(request: FastifyRequest): Promise<Buffer> {
    const { headers } = request;
    if (Number(headers['content-length']) > MAX_JSON_BODY_BYTES)
      return Promise.reject(new BodyTooLargeError(MAX_JSON_BODY_BYTES));
    if (headers['content-encoding'] !== undefined) return this.#inflated(request);
    return collected((request.body ?? request.raw) as Readable, MAX_JSON_BODY_BYTES, this.#buffers);
  }

  /** Nobody reads this body any more, which {@link whole} gave. */
  letGo(body: Buffer): void {
    this.#buffers.letGo(body);
  }

  async #inflated(request: FastifyRequest): Promise<Buffer> {
    const chunks: Uint8Array[] = [];
    let bytes = 0;
    for await (const chunk of this.#chunksOf(request)) {
      bytes += chunk.byteLength;
      if (bytes > MAX_JSON_BODY_BYTES) throw new BodyTooLargeError(MAX_JSON_BODY_BYTES);
      chunks.push(chunk);
    }
    return Buffer.concat(chunks);
  }

  #chunksOf(request: FastifyRequest): AsyncGenerator<Uint8Array> {
    const body = (request.body ?? request.raw) as Readable;
    const encoding = request.headers['content-encoding'] ?? 'identity';
    return inflatedChunks(body, encoding, this.configuration.values.ingestMaxInflatedBytes);
  }
}

interface BodySettings {
  readonly ingestMaxInflatedBytes: number;
}

/** A body as JSON, with a byte order mark or without. @throws BodyNotJsonError, BodyNotTextError */
export function parseBody(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString('utf8').replace(/^\ufeff/, ''));
  } catch (error) {
    assertText(body);
    throw new BodyNotJsonError(error instanceof Error ? error.message : String(error));
  }
}
