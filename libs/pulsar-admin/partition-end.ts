import type { MessageId, TopicInternalStats } from './admin-topics.js';

type Ledgers = Pick<TopicInternalStats, 'lastConfirmedEntry' | 'ledgers'>;

/** `12:34` as Pulsar writes a place. @throws RangeError where it is none */
export function parseMessageId(text: string): MessageId {
  const [ledgerId, entryId] = text.split(':').map(Number);
  if (!Number.isSafeInteger(ledgerId) || !Number.isSafeInteger(entryId)) {
    throw new RangeError(`${text} is no ledgerId:entryId`);
  }
  return { ledgerId: ledgerId ?? -1, entryId: entryId ?? -1 };
}

/** How many entries of a partition stand behind a place, the one at the place not counted. */
export function entriesAfter(stats: Ledgers, { ledgerId, entryId }: MessageId): number {
  const end = parseMessageId(stats.lastConfirmedEntry);
  let count = 0;
  for (const ledger of stats.ledgers) {
    // Of the ledger that is open the broker counts entries elsewhere: its last one is known.
    const entries = ledger.ledgerId === end.ledgerId ? end.entryId + 1 : ledger.entries;
    if (ledger.ledgerId > ledgerId) count += entries;
    if (ledger.ledgerId === ledgerId) count += Math.max(0, entries - 1 - Math.max(-1, entryId));
  }
  return count;
}
