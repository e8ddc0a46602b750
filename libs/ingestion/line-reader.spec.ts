import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { LineReader, type TextLine } from './index.js';

function read(reader: LineReader, chunks: readonly Uint8Array[]): TextLine[] {
  return [...chunks.flatMap((chunk) => [...reader.push(chunk)]), ...reader.end()];
}

/** The slow, obvious way. */
function splitAll(
  text: string,
  maxLineBytes: number,
): { number: number; text?: string; tooLong?: boolean }[] {
  return text
    .replace(/^\ufeff/, '')
    .split('\n')
    .map((line) => line.replace(/\r$/, ''))
    .map((line, index) => ({ number: index + 1, line }))
    .filter(({ line }) => line.trim() !== '' || Buffer.byteLength(line) > maxLineBytes)
    .map(({ number, line }) =>
      Buffer.byteLength(line) > maxLineBytes ? { number, tooLong: true } : { number, text: line },
    );
}

function cut(bytes: Buffer, sizes: readonly number[]): Buffer[] {
  const chunks: Buffer[] = [];
  let at = 0;
  for (let i = 0; at < bytes.length; i++) {
    const size = sizes[i % sizes.length] ?? 1;
    chunks.push(bytes.subarray(at, at + size));
    at += size;
  }
  return chunks;
}

const piece = fc.oneof(
  fc.constantFrom(
    '\n',
    '\r\n',
    '\n\n',
    '\r',
    ' ',
    '',
    '\t',
    'é',
    '🦊',
    'x'.repeat(15),
    'x'.repeat(16),
    'x'.repeat(17),
    'ü'.repeat(8),
  ),
  fc.string({ unit: 'binary', maxLength: 10 }),
);

describe('LineReader', () => {
  it('gives what splitting the whole text gives, however the bytes are cut', () => {
    fc.assert(
      fc.property(
        fc.array(piece),
        fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1 }),
        (pieces, sizes) => {
          const text = pieces.join('');
          // A mark at the beginning counts among the bytes of its line, but not in the text.
          fc.pre(!text.startsWith('\ufeff'));
          const lines = read(new LineReader(16), cut(Buffer.from(text), sizes));
          const seen = lines.map((line) =>
            'tooLong' in line ? { number: line.number, tooLong: true } : line,
          );
          expect(seen).toEqual(splitAll(text, 16));
        },
      ),
      { numRuns: 500 },
    );
  });

  it('does not keep the chunk it was given', () => {
    const reader = new LineReader();
    const chunk = Buffer.from('beginning');
    expect([...reader.push(chunk)]).toEqual([]);
    chunk.fill('#');
    expect([...reader.end()]).toEqual([{ number: 1, text: 'beginning' }]);
  });

  it('tells length and beginning of a line above the limit, and goes on after it', () => {
    const limit = 256 * 1024;
    const body = Buffer.from(`${'a'.repeat(limit)}\r\n${'b'.repeat(limit + 1)}\nlast`);
    for (const size of [1_000, 65_536, body.length]) {
      const [first, second, third] = read(new LineReader(), cut(body, [size]));
      expect(first).toMatchObject({ number: 1, text: 'a'.repeat(limit) });
      expect(second).toEqual({ number: 2, tooLong: true, bytes: limit + 1, head: 'b'.repeat(8_192) });
      expect(third).toEqual({ number: 3, text: 'last' });
    }
  });

  it('holds no more of an endless line than the limit', () => {
    const reader = new LineReader();
    const chunk = Buffer.alloc(1_048_576, 'x');
    const before = process.memoryUsage().arrayBuffers;
    for (let i = 0; i < 64; i++) expect([...reader.push(chunk)]).toEqual([]);
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(2 * 1_048_576);
    expect([...reader.end()]).toEqual([
      expect.objectContaining({ number: 1, tooLong: true, bytes: 64 * 1_048_576 }),
    ]);
  });

  it('leaves a byte order mark out', () => {
    expect(read(new LineReader(), [Buffer.from('\ufeff{}\n')])).toEqual([{ number: 1, text: '{}' }]);
  });
});
