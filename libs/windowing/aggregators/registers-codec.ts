import { isJsonObject, type JsonValue } from '#libs/kernel';
import { emptyRegisters, type Registers } from './hyperloglog.js';
import { readUnsigned, writeUnsigned } from './variable-length.js';

// Few registers: `{s: base64}`, for each that is not 0 its distance from the one before, as a variable-length integer,
// and its value. Many: `{d: text}`, one character a register, shorter than bytes as base64.

/** From here on, values 0 to 53 are characters that JSON does not escape. */
const FIRST_CHARACTER = '#'.charCodeAt(0);

export function encodeRegisters(registers: Registers): JsonValue {
  const sparse: number[] = [];
  let before = 0;
  registers.forEach((value, index) => {
    if (value === 0) return;
    writeUnsigned(sparse, index - before);
    sparse.push(value);
    before = index;
  });
  // Three bytes are four characters of base64.
  if (sparse.length * 4 < registers.length * 3) return { s: Buffer.from(sparse).toString('base64') };
  return { d: Buffer.from(registers.map((value) => value + FIRST_CHARACTER)).toString('latin1') };
}

/** Undefined for what is not encoded registers. */
export function decodeRegisters(json: JsonValue): Registers | undefined {
  const { s, d } = isJsonObject(json) ? json : {};
  if (typeof d === 'string') {
    return emptyRegisters().map((_, index) => Math.max(0, d.charCodeAt(index) - FIRST_CHARACTER));
  }
  return typeof s === 'string' ? readSparse(Buffer.from(s, 'base64')) : undefined;
}

function readSparse(bytes: Uint8Array): Registers {
  const registers = emptyRegisters();
  const reader = { bytes, at: 0 };
  for (let index = 0; reader.at < bytes.length; reader.at++) {
    index += readUnsigned(reader);
    registers[index] = bytes[reader.at] ?? 0;
  }
  return registers;
}
