// Whole numbers, seven bits a byte, the lowest first; the eighth bit says that more follow (LEB128).

export interface ByteReader {
  readonly bytes: Uint8Array;
  at: number;
}

/** @param value whole, 0 to 2^53 − 1 */
export function writeUnsigned(bytes: number[], value: number): void {
  // With multiplication, not shifts: values may pass 2^31.
  let rest = value;
  while (rest >= 0x80) {
    bytes.push((rest % 0x80) | 0x80);
    rest = Math.floor(rest / 0x80);
  }
  bytes.push(rest);
}

/** @throws RangeError where the bytes end before the number does */
export function readUnsigned(reader: ByteReader): number {
  let value = 0;
  for (let factor = 1; ; factor *= 0x80) {
    const byte = reader.bytes[reader.at++];
    if (byte === undefined) throw new RangeError('the bytes of a sketch end too early');
    value += (byte & 0x7f) * factor;
    if (byte < 0x80) return value;
  }
}
