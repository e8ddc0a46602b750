import type { DDSketch } from '@datadog/sketches-js';

// The library's protobuf form takes a byte or eight for each empty bin, and reading it back widens the sketch with
// every round. This one: count of zeros; then for positive and for negative values the number of bins that are not
// empty, and for each its distance from the bin before and its weight. All as variable-length integers (LEB128).

type Store = DDSketch['store'];

export function writeBins(sketch: DDSketch): Buffer {
  const bytes: number[] = [];
  writeUnsigned(bytes, sketch.zeroCount);
  writeStore(bytes, sketch.store);
  writeStore(bytes, sketch.negativeStore);
  return Buffer.from(bytes);
}

/** Adds what was written to an empty sketch. */
export function readBins(bytes: Uint8Array, sketch: DDSketch): void {
  const reader = { bytes, at: 0 };
  sketch.zeroCount = readUnsigned(reader);
  readStore(reader, sketch.store);
  readStore(reader, sketch.negativeStore);
  sketch.count = sketch.zeroCount + sketch.store.count + sketch.negativeStore.count;
}

function writeStore(bytes: number[], store: Store): void {
  writeUnsigned(
    bytes,
    store.bins.reduce((filled, weight) => (weight > 0 ? filled + 1 : filled), 0),
  );
  let before = 0;
  store.bins.forEach((weight, index) => {
    if (weight === 0) return;
    const key = index + store.offset;
    writeUnsigned(bytes, zigzag(key - before));
    writeUnsigned(bytes, weight);
    before = key;
  });
}

function readStore(reader: Reader, store: Store): void {
  let key = 0;
  for (let left = readUnsigned(reader); left > 0; left--) {
    key += unzigzag(readUnsigned(reader));
    store.add(key, readUnsigned(reader));
  }
}

interface Reader {
  readonly bytes: Uint8Array;
  at: number;
}

// With multiplication, not shifts: weights may pass 2^31.
function writeUnsigned(bytes: number[], value: number): void {
  let rest = value;
  while (rest >= 0x80) {
    bytes.push((rest % 0x80) | 0x80);
    rest = Math.floor(rest / 0x80);
  }
  bytes.push(rest);
}

function readUnsigned(reader: Reader): number {
  let value = 0;
  for (let factor = 1; ; factor *= 0x80) {
    const byte = reader.bytes[reader.at++];
    if (byte === undefined) throw new RangeError('the bytes of a sketch end too early');
    value += (byte & 0x7f) * factor;
    if (byte < 0x80) return value;
  }
}

function zigzag(value: number): number {
  return value < 0 ? -2 * value - 1 : 2 * value;
}

function unzigzag(value: number): number {
  return value % 2 === 0 ? value / 2 : -(value + 1) / 2;
}
