const encoder = new TextEncoder();
let scratch = new Uint8Array(512);

/**
 * MurmurHash3, 32 bits, of the UTF-8 bytes of a text: an unsigned integer. Places keys on partitions, so it
 * must never change: a key that moved would be counted in two places.
 *
 * Source: Austin Appleby, MurmurHash3_x86_32 (public domain).
 *
 * @param seed unsigned 32-bit, default 0
 */
export function murmur3(text: string, seed = 0): number {
  if (text.length * 3 > scratch.length) scratch = new Uint8Array(text.length * 3);
  const { written } = encoder.encodeInto(text, scratch);
  return murmur3Bytes(scratch, written, seed);
}

function murmur3Bytes(bytes: Uint8Array, length: number, seed: number): number {
  let hash = seed | 0;
  const blockEnd = length & ~3;
  for (let i = 0; i < blockEnd; i += 4) {
    const block = bytes[i]! | (bytes[i + 1]! << 8) | (bytes[i + 2]! << 16) | (bytes[i + 3]! << 24);
    hash ^= scramble(block);
    hash = (hash << 13) | (hash >>> 19);
    hash = (Math.imul(hash, 5) + 0xe6546b64) | 0;
  }
  let tail = 0;
  for (let i = length - 1; i >= blockEnd; i--) tail = (tail << 8) | bytes[i]!;
  if (blockEnd < length) hash ^= scramble(tail);
  return finish(hash ^ length);
}

function scramble(block: number): number {
  const mixed = Math.imul(block, 0xcc9e2d51);
  return Math.imul((mixed << 15) | (mixed >>> 17), 0x1b873593);
}

function finish(hash: number): number {
  let mixed = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35);
  return (mixed ^ (mixed >>> 16)) >>> 0;
}
