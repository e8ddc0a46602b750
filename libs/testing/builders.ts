import type { StreamEvent } from '#libs/kernel';
import type { Delivery, MessageReader } from '#libs/messaging';
import type { DocumentWrite, ResultRow } from '#libs/storage';

/** An event with everything that must be there; say only what matters. */
export function anEvent<T = unknown>(parts: Partial<StreamEvent<T>> = {}): StreamEvent<T> {
  return {
    id: 'e1',
    stream: 'demo',
    timeMs: 0,
    receivedMs: 0,
    type: 'web-request@1',
    data: {} as T,
    ...parts,
  };
}

/** The first complete result of the minute from 0. */
export function aRow(parts: Partial<ResultRow> = {}): ResultRow {
  const windowStartMs = parts.windowStartMs ?? 0;
  return {
    pipeline: 'web',
    series: 'requests',
    stream: 'demo',
    key: {},
    windowStartMs,
    windowEndMs: windowStartMs + 60_000,
    measures: { requests: 1 },
    revision: 0,
    task: 0,
    ...parts,
  };
}

export function aDocument(parts: Partial<DocumentWrite> = {}): DocumentWrite {
  return { collection: 'alerts', id: 'd1', timeMs: 0, fields: {}, body: {}, ...parts };
}

/** Receives until `count` messages are there, or none came for `waitMs`. */
export async function receiveMany(
  reader: MessageReader,
  count: number,
  waitMs = 10_000,
): Promise<Delivery[]> {
  const received: Delivery[] = [];
  while (received.length < count) {
    const next = await reader.receive({ maxMessages: count - received.length, maxBytes: 64_000_000, waitMs });
    if (next.length === 0) break;
    received.push(...next);
  }
  return received;
}

/** The payload as text. */
export function textOf(delivery: Pick<Delivery, 'payload'>): string {
  return Buffer.from(delivery.payload).toString('utf8');
}
