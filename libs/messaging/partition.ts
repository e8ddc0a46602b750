import { murmur3 } from '#libs/kernel';

/** The partition of a key, 0 ≤ partition < partitions. Fixed for ever: see {@link murmur3}. */
export function partitionOf(key: string, partitions: number): number {
  return partitions === 1 ? 0 : murmur3(key) % partitions;
}
