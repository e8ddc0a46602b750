import type { StreamEvent } from '#libs/kernel';

/** Was it sent again to somebody else: to the stage or function on which it had failed. */
export function isForAnother({ again }: StreamEvent, stage: string): boolean {
  return again?.to !== undefined && again.to !== stage;
}
