import { describe, expect, it } from '@jest/globals';
import * as fc from 'fast-check';
import { Readable } from 'node:stream';
import { constants, createZstdDecompress, zstdCompressSync } from 'node:zlib';
import { ZstdFrames } from './zstd-frames.js';

const anyFrame = fc
  .record({
    text: fc.oneof(
      fc.string(),
      fc.string({ minLength: 1 }).map((part) => part.repeat(20_000)),
    ),
    level: fc.integer({ min: 1, max: 4 }),
    checksumFlag: fc.integer({ min: 0, max: 1 }),
    contentSizeFlag: fc.integer({ min: 0, max: 1 }),
  })
  .map(({ text, level, checksumFlag, contentSizeFlag }) => {
    const params = {
      [constants.ZSTD_c_compressionLevel]: level,
      [constants.ZSTD_c_checksumFlag]: checksumFlag,
      [constants.ZSTD_c_contentSizeFlag]: contentSizeFlag,
    };
    return { text, bytes: zstdCompressSync(text, { params }) };
  });

const anySkippable = fc
  .record({ nibble: fc.integer({ min: 0, max: 15 }), content: fc.uint8Array({ maxLength: 300 }) })
  .map(({ nibble, content }) => {
    const head = Buffer.alloc(8);
    head.writeUInt32LE(0x184d2a50 + nibble, 0);
    head.writeUInt32LE(content.length, 4);
    return { text: '', bytes: Buffer.concat([head, content]) };
  });

describe('frames of zstd behind each other', () => {
  it('are all inflated, wherever chunks end', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.oneof(anyFrame, anySkippable), { maxLength: 5 }),
        anyFrame,
        fc.array(fc.integer({ min: 1, max: 5_000 }), { minLength: 1 }),
        async (others, last, sizes) => {
          const frames = [...others, last];
          const body = Buffer.concat(frames.map(({ bytes }) => bytes));
          expect(await inflated(cut(body, sizes))).toBe(frames.map(({ text }) => text).join(''));
        },
      ),
    );
  });

  it('that break off are an error, wherever', async () => {
    await fc.assert(
      fc.asyncProperty(anyFrame, fc.nat(), async ({ bytes }, place) => {
        const body = Buffer.concat([bytes, bytes.subarray(0, 1 + (place % (bytes.length - 1)))]);
        await expect(inflated([body])).rejects.toThrow('unexpected end of file');
      }),
    );
  });
});

/** One chunk after the other in these sizes, over and over. */
function cut(body: Buffer, sizes: readonly number[]): Buffer[] {
  const chunks: Buffer[] = [];
  for (let at = 0, i = 0; at < body.length; i++) {
    const size = sizes[i % sizes.length]!;
    chunks.push(body.subarray(at, at + size));
    at += size;
  }
  return chunks;
}

async function inflated(chunks: readonly Buffer[]): Promise<string> {
  const frames = Readable.from(chunks).pipe(new ZstdFrames());
  const inflater = createZstdDecompress();
  frames.once('error', (error) => inflater.destroy(error));
  const texts = await frames.pipe(inflater).toArray();
  return Buffer.concat(texts as Buffer[]).toString();
}
