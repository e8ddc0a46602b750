import type { Position } from '#libs/messaging';
import { entriesAfter, parseMessageId, type TopicInternalStats } from '#libs/pulsar-admin';
import type { Entry } from './entry-ranges.js';

type Ledgers = Pick<TopicInternalStats, 'lastConfirmedEntry' | 'ledgers'>;

/** Before the first entry that there can be. */
const NO_ENTRY: Entry = { ledgerId: -1, entryId: -1 };

/** Entries that are stored behind a position, the one it stands in not counted. */
export function entriesBehind(stats: Ledgers, [ledgerId, entryId]: Position): number {
  return entriesAfter(stats, { ledgerId, entryId });
}

/** What to look at of the end of a partition. */
export interface TailBounds {
  readonly maxEntries: number;
  readonly maxBytes: number;
}

/**
 * The entry before the last ones of a partition, as many as the bounds allow; a reader from there gets those.
 * Undefined: all of them are within the bounds. Bytes are by the mean of each ledger, or of all where it is still open.
 */
export function entryBeforeTail(
  stats: Ledgers & Pick<TopicInternalStats, 'numberOfEntries' | 'totalSize'>,
  { maxEntries, maxBytes }: TailBounds,
): Entry | undefined {
  const meanBytes = stats.numberOfEntries === 0 ? 0 : stats.totalSize / stats.numberOfEntries;
  let entriesLeft = maxEntries;
  let bytesLeft = maxBytes;
  for (const { ledgerId, entries, size } of ledgersOf(stats).reverse()) {
    const entryBytes = Math.max(1, size > 0 && entries > 0 ? size / entries : meanBytes);
    const wanted = Math.min(entriesLeft, Math.floor(bytesLeft / entryBytes));
    if (wanted < entries) return { ledgerId, entryId: entries - 1 - wanted };
    entriesLeft -= entries;
    bytesLeft -= entries * entryBytes;
  }
  return undefined;
}

/** The last entry that is stored; before everything where there is none. */
export function lastEntryOf(stats: Ledgers): Entry {
  const last = ledgersOf(stats).findLast(({ entries }) => entries > 0);
  return last === undefined ? NO_ENTRY : { ledgerId: last.ledgerId, entryId: last.entries - 1 };
}

/** The broker counts the entries of a ledger only once it is closed; the last stored entry tells of the open one. */
function ledgersOf({ ledgers, lastConfirmedEntry }: Ledgers): TopicInternalStats['ledgers'][number][] {
  const last = parseMessageId(lastConfirmedEntry);
  return ledgers.map((ledger) =>
    ledger.ledgerId === last.ledgerId ? { ...ledger, entries: last.entryId + 1 } : { ...ledger },
  );
}
