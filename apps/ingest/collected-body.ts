import type { Readable } from 'node:stream';
import type { BodyBuffers } from './body-buffers.js';
import { BodyIncompleteError, BodyTooLargeError } from './ingest.errors.js';

/**
 * A body as a whole, when it has come. What comes of one that is refused is thrown away.
 *
 * @throws BodyTooLargeError, BodyIncompleteError
 */
export function collected(body: Readable, maxBytes: number, buffers: BodyBuffers): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    let first: Buffer | undefined;
    let more: Buffer[] | undefined;
    let bytes = 0;
    let isOver = false;
    const refuse = (error?: unknown): void => {
      if (isOver) return;
      isOver = true;
      reject(error instanceof BodyTooLargeError ? error : new BodyIncompleteError(error));
    };
    body.on('data', (chunk: Buffer) => {
      bytes += chunk.byteLength;
      if (bytes > maxBytes) {
        first = more = undefined;
        if (!isOver) refuse(new BodyTooLargeError(maxBytes));
      } else if (first === undefined) first = chunk;
      else (more ??= [first]).push(chunk);
    });
    body.on('end', () => {
      isOver = true;
      resolve(more === undefined ? (first ?? NOTHING) : buffers.joined(more, bytes));
    });
    body.on('error', refuse);
    body.on('close', refuse);
  });
}

const NOTHING = Buffer.alloc(0);
