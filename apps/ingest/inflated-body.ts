import type { Readable, Transform } from 'node:stream';
import { createGunzip, createZstdDecompress } from 'node:zlib';
import {
  BodyIncompleteError,
  BodyInflatedTooLargeError,
  BodyNotInflatableError,
  ContentEncodingUnsupportedError,
} from './ingest.errors.js';

/** What is there of each encoding, by its name in `content-encoding`. Frames and members behind each other are read as one. */
const INFLATERS: Readonly<Record<string, () => Transform>> = {
  gzip: () => createGunzip(),
  'x-gzip': () => createGunzip(),
  zstd: () => createZstdDecompress(),
};

/**
 * The bytes of a body as they come, inflated where it is compressed. The sender waits while a chunk is being worked on.
 *
 * @param encoding what `content-encoding` says
 * @param maxInflatedBytes a few bytes may stand for any number: of a compressed body no more than this is read
 * @throws ContentEncodingUnsupportedError, BodyNotInflatableError, BodyInflatedTooLargeError, BodyIncompleteError
 */
export async function* inflatedChunks(
  body: Readable,
  encoding: string,
  maxInflatedBytes: number,
): AsyncGenerator<Uint8Array> {
  const name = encoding.trim().toLowerCase();
  if (name === 'identity' || name === '') {
    yield* plainChunks(body);
    return;
  }
  const inflater = Object.hasOwn(INFLATERS, name) ? INFLATERS[name]?.() : undefined;
  if (inflater === undefined) throw new ContentEncodingUnsupportedError(encoding, Object.keys(INFLATERS));
  let inflatedBytes = 0;
  for await (const chunk of through(body, inflater, name)) {
    inflatedBytes += chunk.byteLength;
    if (inflatedBytes > maxInflatedBytes) throw new BodyInflatedTooLargeError(maxInflatedBytes);
    yield chunk;
  }
}

async function* plainChunks(body: Readable): AsyncGenerator<Uint8Array> {
  try {
    // Refused in the middle, a body stays open: Node throws away what is left of it once the answer is written.
    for await (const chunk of body.iterator({ destroyOnReturn: false })) yield chunk as Uint8Array;
  } catch (error) {
    throw new BodyIncompleteError(error);
  }
}

async function* through(body: Readable, inflater: Transform, encoding: string): AsyncGenerator<Uint8Array> {
  let brokenOff: unknown;
  const onError = (error: unknown): void => {
    brokenOff = error;
    inflater.destroy(error as Error);
  };
  // Not `pipeline`: it would close the sender's connection before it has its answer.
  body.once('error', onError);
  body.pipe(inflater);
  try {
    for await (const chunk of inflater) yield chunk as Uint8Array;
  } catch (error) {
    throw brokenOff === undefined
      ? new BodyNotInflatableError(encoding, error)
      : new BodyIncompleteError(brokenOff);
  } finally {
    body.off('error', onError);
    body.unpipe(inflater);
    inflater.destroy();
    body.resume();
  }
}
