/**
 * One figure of a benchmark. `beside` is what it is compared with in the same run; `ratio` is value / beside, or the
 * median of that over the pairs of runs where both are taken in turns.
 */
export interface Measurement {
  readonly name: string;
  readonly value: number;
  readonly unit: string;
  readonly beside?: number;
  readonly ratio?: number;
  /** How many samples or repetitions it stands on. */
  readonly runs: number;
}

/** A benchmark: measures, prints nothing. */
export type Benchmark = () => Promise<readonly Measurement[]>;

/** The value below which the share `q` of the samples lies; nearest rank. */
export function quantileOf(samples: readonly number[], q: number): number {
  const sorted = [...samples].sort((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil(q * sorted.length) - 1)] ?? NaN;
}
