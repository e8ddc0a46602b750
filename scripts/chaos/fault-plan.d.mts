export interface Fault {
  readonly kind: string;
  /** Whom it meets; absent: a server. */
  readonly app?: string;
  /** In [0, 1). */
  readonly choice: number;
}
export const FAULT_KINDS: readonly string[];
export function faultPlan(seed: number, kinds?: readonly string[]): Generator<Fault, never, undefined>;
