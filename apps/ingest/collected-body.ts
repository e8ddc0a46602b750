import type { Readable } from 'node:stream';
import { BodyIncompleteError, BodyTooLargeError } from './ingest.errors.js';

/**
 * A body as a whole, when it has come. What comes of one that is refused is thrown away.
 *
 * @throws BodyTooLargeError, BodyIncompleteError
 */
export async function collected(body: Readable, maxBytes: number): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  let isOver = false;
  await new Promise<void>((resolve, reject) => {
    const refuse = (error: unknown): void => {
      if (!isOver) reject(error instanceof BodyTooLargeError ? error : new BodyIncompleteError(error));
      isOver = true;
    };
    body.on('data', (chunk: Buffer) => {
      bytes += chunk.byteLength;
      if (bytes <= maxBytes) chunks.push(chunk);
      else if (!isOver) refuse(new BodyTooLargeError(maxBytes));
    });
    body.once('end', () => {
      isOver = true;
      resolve();
    });
    body.once('error', refuse);
    body.once('close', refuse);
  });
  const [first] = chunks;
  return chunks.length === 1 && first !== undefined ? first : Buffer.concat(chunks);
}
