import { randomUUID } from 'node:crypto';
import { type ClientSession, type Document, Long } from 'mongodb';
import { NAMES } from '../collection-names.js';
import { DURABLE_COMMAND, type MongodbConnection } from '../mongodb-connection.js';
import { startNamedSession } from '../named-session.js';
import { codeOf } from '../store-failure.js';

const TRANSACTION_TOO_OLD = 225;

/** Does this server, with this driver, keep what fenced-insert.ts stands on. */
export type ProbeOutcome = { readonly kind: 'kept' } | { readonly kind: 'broken'; readonly reason: string };

/**
 * Tries it on a row of its own: a repeat of a numbered insert adds nothing, a half that is repeated in full adds the
 * other half, and a lower number is refused.
 */
export async function probeFence(connection: MongodbConnection): Promise<ProbeOutcome> {
  const session = startNamedSession(connection.client);
  const mark = randomUUID();
  try {
    const insert = (number: number, count: number): Promise<Document> =>
      numberedInsert(connection, { session, number, count, mark });
    await insert(2, 1);
    await insert(2, 2);
    const refusal = await insert(1, 3).then(
      () => undefined,
      (error: unknown) => codeOf(error),
    );
    const rows = await connection.collection(NAMES.probe).countDocuments({ meta: mark });
    if (rows !== 2) return { kind: 'broken', reason: `2 rows, inserted with a repeat, are ${rows}` };
    if (refusal !== TRANSACTION_TOO_OLD)
      return { kind: 'broken', reason: `a lower number got ${refusal ?? 'through'} instead of error 225` };
    return { kind: 'kept' };
  } finally {
    await session.endSession();
  }
}

async function numberedInsert(
  { db, clock }: MongodbConnection,
  options: {
    readonly session: ClientSession;
    readonly number: number;
    readonly count: number;
    readonly mark: string;
  },
): Promise<Document> {
  const { session, number, count, mark } = options;
  const statements = Array.from({ length: count }, (_, i) => i);
  const start = new Date(Math.max(0, clock.nowMs()));
  return await db.command(
    {
      insert: NAMES.probe,
      documents: statements.map((i) => ({ _id: `${mark}/${i}`, start, meta: mark })),
      ordered: true,
      txnNumber: Long.fromNumber(number),
      stmtIds: statements,
      ...DURABLE_COMMAND,
    },
    { session },
  );
}
