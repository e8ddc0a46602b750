import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { PlatformError, SystemClock } from '#libs/kernel';
import type { MessageBroker } from '#libs/messaging';
import { EmbeddedBroker } from '#libs/messaging-embedded';
import { Telemetry } from '#libs/observability';
import type { DocumentStore, ResultStore } from '#libs/storage';
import { EmbeddedStore } from '#libs/storage-embedded';

// A process for damaged-data.e2e-spec.ts: opens data folders that may be damaged, one after the other, and says what
// it finds: everything, or why it refuses. LMDB may end it on the way.

export interface FolderContents {
  readonly rows: readonly string[];
  readonly documents: readonly string[];
  /** By `topic|partition`: the messages, oldest first. */
  readonly messages: Readonly<Record<string, readonly string[]>>;
}

export type FolderAnswer =
  | { readonly kind: 'read'; readonly contents: FolderContents }
  | { readonly kind: 'refused'; readonly code: string; readonly detail: string };

/** What the child is asked. */
export interface FolderQuestion {
  readonly folder: string;
  /** Topics with their number of partitions. */
  readonly topics: Readonly<Record<string, number>>;
  readonly collections: readonly string[];
  readonly tasks: readonly { readonly stage: string; readonly partition: number }[];
}

const PIPELINE = 'web';

async function readFolder(question: FolderQuestion): Promise<FolderContents> {
  const { folder } = question;
  const clock = new SystemClock();
  const telemetry = new Telemetry({ logLevel: 'silent' });
  const store = await EmbeddedStore.open({ folder: join(folder, 'store'), clock });
  try {
    const broker = await EmbeddedBroker.open({
      folder: join(folder, 'log'),
      clock,
      telemetry,
      maxBytes: 2 ** 31,
    });
    try {
      for (const task of question.tasks) await store.commits.load({ pipeline: PIPELINE, ...task });
      return {
        rows: await rowsOf(store.results),
        documents: await documentsOf(store.documents, question.collections),
        messages: await messagesOf(broker, question.topics),
      };
    } finally {
      await closed(broker);
    }
  } finally {
    await closed(store);
  }
}

/** What was read, or why not, is known by then; a damaged file may also fail to close. */
async function closed(opened: { close(): Promise<void> }): Promise<void> {
  await opened.close().catch(() => undefined);
}

async function rowsOf(results: ResultStore): Promise<string[]> {
  const rows: string[] = [];
  for (const { series } of await results.series(PIPELINE)) {
    for (let cursor: string | undefined = ''; cursor !== undefined;) {
      const at: { cursor?: string } = cursor === '' ? {} : { cursor };
      const page = await results.query({ pipeline: PIPELINE, series, limit: 10_000, ...at });
      rows.push(...page.rows.map((row) => JSON.stringify(row)));
      cursor = page.nextCursor;
    }
  }
  return rows;
}

async function documentsOf(store: DocumentStore, collections: readonly string[]): Promise<string[]> {
  const found: string[] = [];
  for (const collection of collections) {
    const { documents } = await store.find({ collection, limit: 10_000 });
    found.push(...documents.map((document) => JSON.stringify(document)));
  }
  return found;
}

async function messagesOf(
  broker: MessageBroker,
  topics: FolderQuestion['topics'],
): Promise<Record<string, string[]>> {
  const found: Record<string, string[]> = {};
  for (const [topic, partitions] of Object.entries(topics)) {
    for (let partition = 0; partition < partitions; partition++) {
      const reader = await broker.openReader({ topic, partition, from: 'earliest' });
      const messages: string[] = [];
      for (let more = true; more;) {
        const some = await reader.receive({ maxMessages: 1_000, maxBytes: 2 ** 24, waitMs: 0 });
        messages.push(...some.map(({ payload, ...each }) => shortened(JSON.stringify(each), payload)));
        more = some.length > 0;
      }
      await reader.close();
      found[`${topic}|${partition}`] = messages;
    }
  }
  return found;
}

/** Enough to tell one message from another. */
function shortened(head: string, payload: Uint8Array): string {
  return createHash('sha256').update(head).update(payload).digest('base64url');
}

process.on('disconnect', () => process.exit());
process.on('message', (question: FolderQuestion) => {
  readFolder(question).then(
    (contents) => process.send?.({ kind: 'read', contents } satisfies FolderAnswer),
    (error: unknown) =>
      process.send?.({
        kind: 'refused',
        code: error instanceof PlatformError ? error.code : 'UNNAMED',
        detail: error instanceof Error ? `${error.message}\n${error.stack ?? ''}` : String(error),
      } satisfies FolderAnswer),
  );
});
