export const MAX_JITTER_MS: number;
export class Traffic {
  constructor(options: { readonly seed: number; readonly startMs: number; readonly rate: number });
  readonly nextMs: number;
  batch(size: number, hasIncidents?: boolean): string[];
}
