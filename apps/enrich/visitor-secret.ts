import { randomBytes } from 'node:crypto';
import { COLLECTIONS, type DocumentStore } from '#libs/storage';

const ID = 'visitor-secret';

/**
 * The secret that visitor ids are made with: the configured one, else the one that the first start made and the
 * store keeps. It must not change, or the same visitor would count twice.
 */
export async function visitorSecret(
  configured: string | undefined,
  documents: DocumentStore,
): Promise<string> {
  if (configured !== undefined) return configured;
  const made = {
    collection: COLLECTIONS.settings,
    id: ID,
    timeMs: 0,
    fields: {},
    body: { secret: randomBytes(32).toString('base64url') },
  };
  const kept = await documents.putIfAbsent(made);
  return String(kept.body['secret']);
}
