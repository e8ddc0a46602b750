import type { FastifyRequest } from 'fastify';
import type { Readable } from 'node:stream';
import { ParameterInvalidError } from '../dashboard.errors.js';

/** Ten thousand ids, and room. */
const MAX_BODY_BYTES = 8 * 1024 * 1024;

/** The body of a request as JSON. @throws ParameterInvalidError */
export async function jsonBodyOf(request: FastifyRequest): Promise<unknown> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of (request.body ?? request.raw) as Readable as AsyncIterable<Uint8Array>) {
    bytes += chunk.byteLength;
    if (bytes > MAX_BODY_BYTES)
      throw new ParameterInvalidError('body', `more than ${MAX_BODY_BYTES} bytes`, 'shorter: name fewer ids');
    chunks.push(chunk);
  }
  const text = Buffer.concat(chunks).toString('utf8');
  try {
    return JSON.parse(text) as unknown;
  } catch (error) {
    throw new ParameterInvalidError('body', text.slice(0, 80), `JSON (${(error as Error).message})`);
  }
}
