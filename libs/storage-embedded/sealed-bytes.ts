import { crc32 } from 'node:zlib';
import { DataDamagedError } from '#libs/storage';

// Sealed bytes: a CRC-32 over what follows, a tag, then the content. LMDB itself has no checksums.

const SEAL_BYTES = 4;
const TAG_BYTES = 1;

/** A copy of the content that shows later whether it is whole. `tag`: 0 to 255, what kind it is. */
export function seal(content: Uint8Array, tag = 0): Buffer {
  const sealed = Buffer.allocUnsafe(SEAL_BYTES + TAG_BYTES + content.byteLength);
  sealed[SEAL_BYTES] = tag;
  sealed.set(content, SEAL_BYTES + TAG_BYTES);
  sealed.writeUInt32LE(crc32(sealed.subarray(SEAL_BYTES)), 0);
  return sealed;
}

/**
 * A view of the content.
 *
 * @param what for the error: whose content it is
 * @throws DataDamagedError
 */
export function unseal(sealed: Buffer, what: string): { readonly tag: number; readonly content: Buffer } {
  if (sealed.byteLength < SEAL_BYTES + TAG_BYTES) throw new DataDamagedError(what, 'it is cut off');
  if (sealed.readUInt32LE(0) !== crc32(sealed.subarray(SEAL_BYTES))) {
    throw new DataDamagedError(what, 'its checksum is not the one it was stored with');
  }
  return { tag: sealed[SEAL_BYTES]!, content: sealed.subarray(SEAL_BYTES + TAG_BYTES) };
}
