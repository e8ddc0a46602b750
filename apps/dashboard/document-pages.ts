import { setImmediate } from 'node:timers/promises';
import type { DocumentQuery, DocumentStore, DocumentWrite } from '#libs/storage';

/** Collections read as a whole hold a document per task and stream, or per alert: thousands at most. */
const MAX_DOCUMENTS = 50_000;
/** Small enough that whatever else the process does waits no longer than some milliseconds for it. */
const PAGE = 500;

/** Every document of a small collection, up to 50,000. */
export async function everyDocument(
  store: DocumentStore,
  query: Omit<DocumentQuery, 'limit' | 'cursor'>,
): Promise<readonly DocumentWrite[]> {
  const found: DocumentWrite[] = [];
  let cursor: string | undefined;
  do {
    const page = await store.find({ ...query, limit: PAGE, ...(cursor === undefined ? {} : { cursor }) });
    found.push(...page.documents);
    cursor = page.nextCursor;
    // A store in this process answers without I/O: only so do others get their turn.
    if (cursor !== undefined) await setImmediate();
  } while (cursor !== undefined && found.length < MAX_DOCUMENTS);
  return found;
}
