import type { StreamEvent } from '#libs/kernel';

// A key of a function is always that of a stream: streams have their own sense of time, and so have their timers.
// Names of streams hold no line break, so the first one parts them.

/** Identifies a key within a task. */
export function keyIdOf(stream: string, key: string): string {
  return `${stream}\n${key}`;
}

/** The key of an event that no `by` gives another. What was sent again keeps the one it had. */
export function ownKeyOf({ key, id, again }: StreamEvent): string {
  return key ?? again?.id ?? id;
}

export function streamOf(keyId: string): string {
  return keyId.slice(0, keyId.indexOf('\n'));
}

export function keyOf(keyId: string): string {
  return keyId.slice(keyId.indexOf('\n') + 1);
}
