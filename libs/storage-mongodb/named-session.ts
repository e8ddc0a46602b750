import { createHash, randomUUID } from 'node:crypto';
import { Binary, type ClientSession, type Document, type MongoClient } from 'mongodb';

/** The id of the session of that name. */
export function sessionIdOf(name: string): { readonly id: Binary } {
  const uuid = createHash('sha256').update(`millrace\n${name}`).digest().subarray(0, 16);
  return { id: new Binary(uuid, Binary.SUBTYPE_UUID) };
}

/**
 * A session whose id follows from `name`: another process gives it the same. It is marked, so that the driver's pool
 * never hands it to anybody else.
 *
 * @param name default: one that nobody else has
 */
export function startNamedSession(client: MongoClient, name: string = randomUUID()): ClientSession {
  const session = client.startSession({ causalConsistency: false });
  // Internal to the driver; fenced-insert.spec.ts fails if that changes.
  const { serverSession } = session as unknown as { serverSession: { id: Document; isDirty: boolean } };
  serverSession.id = sessionIdOf(name);
  serverSession.isDirty = true;
  return session;
}
