import type { Document } from 'mongodb';
import { FACTS, type Telemetry } from '#libs/observability';
import type { MongodbConnection } from './mongodb-connection.js';
import { judgeVersion } from './server-version.js';
import { StoreUnsuitableError } from './storage-mongodb.errors.js';

const DEFAULT_SESSION_TIMEOUT_MINUTES = 30;

/**
 * Looks whether the server is fit: old enough ones are refused, risky ones named in the log.
 *
 * @throws StoreTooOldError, StoreUnsuitableError
 */
export async function examineServer(
  connection: MongodbConnection,
  telemetry: Telemetry,
): Promise<{ readonly sessionTimeoutMs: number }> {
  const admin = connection.client.db('admin');
  const [hello, build] = await connection.call('looking at the server', async () => [
    await admin.command({ hello: 1 }),
    await admin.command({ buildInfo: 1 }),
  ]);
  const version = String(build?.['version']);
  const verdict = judgeVersion(version);
  if (verdict.kind === 'risky')
    telemetry.record(FACTS.storeVersionRisky, { version, wanted: verdict.wanted, issues: verdict.issues });
  if (!hasTransactions(hello ?? {}))
    throw new StoreUnsuitableError(connection.address, 'a server of its own, without transactions');
  const minutes = Number(hello?.['logicalSessionTimeoutMinutes'] ?? DEFAULT_SESSION_TIMEOUT_MINUTES);
  return { sessionTimeoutMs: minutes * 60_000 };
}

/** A replica set, or the router of a sharded cluster. */
function hasTransactions(hello: Document): boolean {
  return typeof hello['setName'] === 'string' || hello['msg'] === 'isdbgrid';
}
