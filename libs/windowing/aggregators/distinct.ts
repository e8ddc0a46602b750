import { isJsonObject, type JsonValue, murmur3 } from '#libs/kernel';
import type { Aggregator } from './aggregator.js';
import {
  addHash,
  emptyRegisters,
  estimate,
  mergeRegisters,
  type Registers,
  STANDARD_ERROR,
} from './hyperloglog.js';
import { decodeRegisters, encodeRegisters } from './registers-codec.js';

/** Seeds of the two halves of a 64-bit hash. Stored states depend on them: never change them. */
const HIGH_SEED = 0x1b873593;
const LOW_SEED = 0x2f0b4f11;
const HASH_BYTES = 8;
const DEFAULT_EXACT_UP_TO = 1_000;
/** A state must fit into a message. */
const MOST_EXACT = 10_000;

/** Either the hashes of all values, or, beyond the limit, only registers. */
export interface DistinctState {
  /** Each hash as four UTF-16 units: a Set finds such strings faster than BigInts. */
  hashes: Set<string> | undefined;
  registers: Registers | undefined;
}

export interface DistinctResult {
  readonly [name: string]: number;
  readonly estimate: number;
  /** Relative: two thirds of all estimates are off by less than this share. 0: the estimate is exact. */
  readonly standardError: number;
}

/**
 * How many different values. Missing values and `null` are skipped. Exact up to a limit; beyond it HyperLogLog with
 * 4,096 registers, whose relative standard error is 1.6 %. Values are compared by a 64-bit hash.
 *
 * Sources: P. Flajolet and others, "HyperLogLog", AofA 2007; S. Heule and others, "HyperLogLog in practice", EDBT 2013,
 * for 64 bits and the sparse form; the estimate is Ertl's, which needs no table of biases.
 *
 * @param options.exactUpTo whole, 0 to 10,000, default 1,000
 * @throws RangeError outside those bounds
 */
export function distinct(
  options: { readonly exactUpTo?: number } = {},
): Aggregator<DistinctState, DistinctResult> {
  const exactUpTo = options.exactUpTo ?? DEFAULT_EXACT_UP_TO;
  if (!Number.isInteger(exactUpTo) || exactUpTo < 0 || exactUpTo > MOST_EXACT) {
    throw new RangeError(`distinct is exact up to 0 to ${MOST_EXACT} values, not ${exactUpTo}`);
  }
  return {
    name: 'distinct',
    create: () => ({ hashes: new Set(), registers: undefined }),
    add: (state, value) => {
      const text = textOf(value);
      if (text === undefined) return;
      const high = murmur3(text, HIGH_SEED);
      const low = murmur3(text, LOW_SEED);
      if (state.hashes === undefined) addHash(state.registers!, high, low);
      else addExact(state, hashOf(high, low), exactUpTo);
    },
    merge: (into, other) => merge(into, other, exactUpTo),
    encode,
    decode,
    result: ({ hashes, registers }) =>
      hashes === undefined
        ? { estimate: Math.round(estimate(registers!)), standardError: STANDARD_ERROR }
        : { estimate: hashes.size, standardError: 0 },
  };
}

/** What makes two values the same: their type and text. */
function textOf(value: unknown): string | undefined {
  if (typeof value === 'string') return value;
  if (value === undefined || value === null) return undefined;
  if (typeof value === 'number' && !Number.isFinite(value)) return undefined;
  return `\u0000${typeof value === 'object' ? JSON.stringify(value) : String(value)}`;
}

function hashOf(high: number, low: number): string {
  return String.fromCharCode(high >>> 16, high & 0xffff, low >>> 16, low & 0xffff);
}

function addExact(state: DistinctState, hash: string, exactUpTo: number): void {
  state.hashes!.add(hash);
  if (state.hashes!.size > exactUpTo) toRegisters(state);
}

function toRegisters(state: DistinctState): void {
  const registers = emptyRegisters();
  for (const hash of state.hashes!) addHash(registers, half(hash, 0), half(hash, 2));
  state.hashes = undefined;
  state.registers = registers;
}

function half(hash: string, at: number): number {
  return ((hash.charCodeAt(at) << 16) | hash.charCodeAt(at + 1)) >>> 0;
}

function merge(into: DistinctState, other: DistinctState, exactUpTo: number): void {
  if (other.hashes === undefined) {
    if (into.hashes !== undefined) toRegisters(into);
    mergeRegisters(into.registers!, other.registers!);
    return;
  }
  for (const hash of other.hashes) {
    if (into.hashes === undefined) addHash(into.registers!, half(hash, 0), half(hash, 2));
    else addExact(into, hash, exactUpTo);
  }
}

/** `{x: base64}` of the hashes, 8 bytes each, or the registers as they write themselves. */
function encode({ hashes, registers }: DistinctState): JsonValue {
  if (hashes === undefined) return encodeRegisters(registers!);
  const bytes = Buffer.allocUnsafe(hashes.size * HASH_BYTES);
  let at = 0;
  for (const hash of hashes) {
    bytes.writeUInt32BE(half(hash, 0), at);
    bytes.writeUInt32BE(half(hash, 2), at + 4);
    at += HASH_BYTES;
  }
  return { x: bytes.toString('base64') };
}

function decode(json: JsonValue): DistinctState {
  const registers = decodeRegisters(json);
  if (registers !== undefined) return { hashes: undefined, registers };
  const { x } = isJsonObject(json) ? json : {};
  const bytes = Buffer.from(typeof x === 'string' ? x : '', 'base64');
  const hashes = new Set<string>();
  for (let at = 0; at < bytes.length; at += HASH_BYTES) {
    hashes.add(hashOf(bytes.readUInt32BE(at), bytes.readUInt32BE(at + 4)));
  }
  return { hashes, registers: undefined };
}
