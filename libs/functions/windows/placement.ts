import type { JsonScalar } from '#libs/kernel';

/**
 * What decides the partition of a delta, and with it the global task that makes the row: series, stream and key as
 * JSON. Never change it: deltas of one window must meet in one task.
 */
export function placementKey(row: {
  readonly series: string;
  readonly stream: string;
  readonly key: Readonly<Record<string, JsonScalar>>;
}): string {
  return JSON.stringify([row.series, row.stream, ...Object.values(row.key)]);
}
