import { BodyNotTextError } from './ingest.errors.js';

/** How bodies begin that somebody has taken for text. No line of a log and no JSON begins so. */
const BEGINNINGS: readonly (readonly [bytes: readonly number[], reason: string])[] = [
  [[0x1f, 0x8b], 'it is compressed; say so by the header Content-Encoding: gzip'],
  [[0x28, 0xb5, 0x2f, 0xfd], 'it is compressed; say so by the header Content-Encoding: zstd'],
  [[0xff, 0xfe], 'it is UTF-16; send it as UTF-8'],
  [[0xfe, 0xff], 'it is UTF-16; send it as UTF-8'],
];

/** Looks at the beginning of a body only. @throws BodyNotTextError */
export function assertText(body: Uint8Array): void {
  const found = BEGINNINGS.find(([bytes]) => bytes.every((byte, index) => body[index] === byte));
  if (found !== undefined) throw new BodyNotTextError(found[1]);
}
