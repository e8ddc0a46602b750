import type { Readable, Writable } from 'node:stream';
import { createGunzip, createZstdDecompress } from 'node:zlib';
import {
  BodyIncompleteError,
  BodyInflatedTooLargeError,
  BodyNotInflatableError,
  BodyNotTextError,
  ContentEncodingUnsupportedError,
} from './ingest.errors.js';
import { assertText } from './text-body.js';
import { ZstdFrames } from './zstd-frames.js';

/** Takes what is compressed, and gives what it stands for. */
interface Inflater {
  readonly input: Writable;
  readonly output: Readable;
}

/** What is there of each encoding, by its name in `content-encoding`. Frames and members behind each other are read as one. */
const INFLATERS: Readonly<Record<string, () => Inflater>> = {
  gzip: gunzip,
  'x-gzip': gunzip,
  zstd: () => {
    const frames = new ZstdFrames();
    const inflater = createZstdDecompress();
    frames.once('error', (error) => inflater.destroy(error));
    return { input: frames, output: frames.pipe(inflater) };
  },
};

function gunzip(): Inflater {
  const inflater = createGunzip();
  return { input: inflater, output: inflater };
}

/**
 * The bytes of a body as they come, inflated where it is compressed. The sender waits while a chunk is being worked on.
 *
 * @param encoding what `content-encoding` says
 * @param maxInflatedBytes a few bytes may stand for any number: of a compressed body no more than this is read
 * @throws ContentEncodingUnsupportedError, BodyNotTextError, BodyNotInflatableError, BodyInflatedTooLargeError, BodyIncompleteError
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
  let isBegun = false;
  try {
    // Refused in the middle, a body stays open: Node throws away what is left of it once the answer is written.
    for await (const chunk of body.iterator({ destroyOnReturn: false })) {
      if (!isBegun) assertText(chunk as Uint8Array);
      isBegun = true;
      yield chunk as Uint8Array;
    }
  } catch (error) {
    throw error instanceof BodyNotTextError ? error : new BodyIncompleteError(error);
  }
}

async function* through(
  body: Readable,
  { input, output }: Inflater,
  encoding: string,
): AsyncGenerator<Uint8Array> {
  let brokenOff: unknown;
  const onError = (error: unknown): void => {
    brokenOff = error;
    output.destroy(error as Error);
  };
  // Not `pipeline`: it would close the sender's connection before it has its answer.
  body.once('error', onError);
  body.pipe(input);
  try {
    for await (const chunk of output) yield chunk as Uint8Array;
  } catch (error) {
    throw brokenOff === undefined
      ? new BodyNotInflatableError(encoding, error)
      : new BodyIncompleteError(brokenOff);
  } finally {
    body.off('error', onError);
    body.unpipe(input);
    input.destroy();
    output.destroy();
    body.resume();
  }
}
