export interface Front {
  readonly url: string;
  close(): Promise<void>;
}

export function openFront(options: {
  readonly port: number;
  /** Ports of the replicas. */
  readonly targets: { readonly ingest: readonly number[]; readonly dashboard: readonly number[] };
}): Promise<Front>;
