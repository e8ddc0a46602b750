import type { DDSketch } from '@datadog/sketches-js';
import { type ByteReader, readUnsigned, writeUnsigned } from './variable-length.js';

// The library's protobuf form takes a byte or eight for each empty bin, and reading it back widens the sketch with
// every round. This one: count of zeros; then for positive and for negative values the number of bins that are not
// empty, and for each its distance from the bin before and its weight. All as variable-length integers.

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

function readStore(reader: ByteReader, store: Store): void {
  let key = 0;
  for (let left = readUnsigned(reader); left > 0; left--) {
    key += unzigzag(readUnsigned(reader));
    store.add(key, readUnsigned(reader));
  }
}

function zigzag(value: number): number {
  return value < 0 ? -2 * value - 1 : 2 * value;
}

function unzigzag(value: number): number {
  return value % 2 === 0 ? value / 2 : -(value + 1) / 2;
}
