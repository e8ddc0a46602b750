import { setTimeout as after } from 'node:timers/promises';

/** Says nothing for so long: then there is nothing more to be known. */
const LONGEST_MS = 1_000;

/**
 * Why LMDB could not commit, such as a full disk. It gives the reason as a promise that has failed or is about to,
 * and that ends the process where nobody looks at it.
 */
export async function commitFailure(error: unknown): Promise<unknown> {
  const reason = error instanceof Error && 'commitError' in error ? error.commitError : undefined;
  if (!(reason instanceof Promise)) return error;
  const told = reason.then(
    () => error,
    (cause: unknown) => cause,
  );
  return await Promise.race([told, after(LONGEST_MS, error, { ref: false })]);
}
