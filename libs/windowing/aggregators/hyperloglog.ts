// HyperLogLog of 64-bit hashes with 2^12 registers.
// Source: O. Ertl, "New cardinality estimation algorithms for HyperLogLog sketches", arXiv:1702.01284, algorithm 6.

const INDEX_BITS = 12;
const REGISTERS = 1 << INDEX_BITS;
/** Bits of the hash that are left to count zeros in. */
const RANK_BITS = 64 - INDEX_BITS;
const ALPHA_INFINITY = 1 / (2 * Math.LN2);

/** Relative standard error of the estimate: 1.04 / √4096. */
export const STANDARD_ERROR = 1.04 / Math.sqrt(REGISTERS);

/** One byte a register: the longest run of zeros seen there, and one; 0 for none. */
export type Registers = Uint8Array;

export function emptyRegisters(): Registers {
  return new Uint8Array(REGISTERS);
}

/** Adds a value by its hash, given as two unsigned halves. */
export function addHash(registers: Registers, high: number, low: number): void {
  const index = high >>> (32 - INDEX_BITS);
  const rest = (high << INDEX_BITS) >>> 0;
  // The 20 bits left of the upper half, then the lower half.
  const rank = rest !== 0 ? Math.clz32(rest) + 1 : 32 - INDEX_BITS + Math.clz32(low) + 1;
  if (rank > registers[index]!) registers[index] = rank;
}

export function mergeRegisters(into: Registers, other: Registers): void {
  for (let i = 0; i < REGISTERS; i++) if (other[i]! > into[i]!) into[i] = other[i]!;
}

/** About how many different values were added. */
export function estimate(registers: Registers): number {
  const counts = new Float64Array(RANK_BITS + 2);
  for (let i = 0; i < REGISTERS; i++) counts[registers[i]!]! += 1;
  let z = REGISTERS * tau(1 - counts[RANK_BITS + 1]! / REGISTERS);
  for (let rank = RANK_BITS; rank >= 1; rank--) z = (z + counts[rank]!) / 2;
  z += REGISTERS * sigma(counts[0]! / REGISTERS);
  return (ALPHA_INFINITY * REGISTERS * REGISTERS) / z;
}

/** x + Σ x^(2^k) · 2^(k-1), k ≥ 1 */
function sigma(x: number): number {
  if (x === 1) return Infinity;
  let power = x;
  let total = x;
  for (let factor = 1, before = -1; total !== before; factor *= 2) {
    before = total;
    power *= power;
    total += power * factor;
  }
  return total;
}

/** (1 − x − Σ (1 − x^(2^-k))² · 2^-k, k ≥ 1) / 3 */
function tau(x: number): number {
  if (x === 0 || x === 1) return 0;
  let root = x;
  let total = 1 - x;
  for (let factor = 0.5, before = -1; total !== before; factor /= 2) {
    before = total;
    root = Math.sqrt(root);
    total -= (1 - root) ** 2 * factor;
  }
  return total / 3;
}
