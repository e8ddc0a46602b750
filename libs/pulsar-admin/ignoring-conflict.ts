import { PulsarConflictError } from './pulsar-admin.errors.js';

/** For what is made unless it is there: somebody else may have made it in between. */
export async function ignoringConflict(call: Promise<void>): Promise<void> {
  await call.catch((error: unknown) => {
    if (!(error instanceof PulsarConflictError)) throw error;
  });
}
