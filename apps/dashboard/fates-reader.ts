import { Injectable } from '@nestjs/common';
import { isJsonObject, type JsonValue } from '#libs/kernel';
import { COLLECTIONS, DocumentStore, type DocumentWrite } from '#libs/storage';
import { everyDocument } from './document-pages.js';
import { placeOf } from './progress-reader.js';

/** How the events of a stream ended, exactly once each; docs/event-fates.md explains the names. */
export interface Fates {
  readonly counted: number;
  readonly late: number;
  readonly future: number;
  readonly dead: number;
  readonly duplicate: number;
  readonly filtered: number;
  /** Sent again to a function: events that had come, and ended, before. Not part of the sums. */
  readonly addressed: number;
  readonly deadByCode: Readonly<Record<string, number>>;
}

export interface StreamFates {
  readonly fates: Fates;
  /** When a task last committed something for the stream, epoch milliseconds. */
  readonly changedMs: number;
}

const NAMES = ['counted', 'late', 'future', 'dead', 'duplicate', 'filtered', 'addressed'] as const;

export const NO_FATES: Fates = {
  counted: 0,
  late: 0,
  future: 0,
  dead: 0,
  duplicate: 0,
  filtered: 0,
  addressed: 0,
  deadByCode: {},
};

/** Reads how events ended. */
@Injectable()
export class FatesReader {
  constructor(private readonly documents: DocumentStore) {}

  /** Of every stream of a pipeline that has had an event. */
  async read(pipeline: string): Promise<ReadonlyMap<string, StreamFates>> {
    const byStream = new Map<string, StreamFates>();
    for (const document of await everyDocument(this.documents, { collection: COLLECTIONS.fates })) {
      const place = placeOf(document.id);
      if (place?.pipeline !== pipeline) continue;
      const former = byStream.get(place.stream);
      byStream.set(place.stream, {
        fates: sumOf([former?.fates ?? NO_FATES, fatesOf(document)]),
        changedMs: Math.max(former?.changedMs ?? 0, document.timeMs),
      });
    }
    return byStream;
  }
}

/** All of them together. */
export function sumOf(all: Iterable<Fates>): Fates {
  const sum: Record<(typeof NAMES)[number], number> & { deadByCode: Record<string, number> } = {
    ...NO_FATES,
    deadByCode: {},
  };
  for (const fates of all) {
    for (const name of NAMES) sum[name] += fates[name];
    for (const [code, count] of Object.entries(fates.deadByCode)) {
      sum.deadByCode[code] = (sum.deadByCode[code] ?? 0) + count;
    }
  }
  return sum;
}

/** Every event that has ended somehow. */
export function totalOf(fates: Fates): number {
  // What was sent again had ended before.
  return NAMES.reduce((sum, name) => sum + (name === 'addressed' ? 0 : fates[name]), 0);
}

/** The share of events that could not be processed, 0 to 1; 0 without events. */
export function failedShareOf(fates: Fates): number {
  const all = totalOf(fates);
  return all === 0 ? 0 : fates.dead / all;
}

function fatesOf({ body }: DocumentWrite): Fates {
  const counts = numbersOf(body['counts']);
  return {
    counted: counts['counted'] ?? 0,
    late: counts['late'] ?? 0,
    future: counts['future'] ?? 0,
    dead: counts['dead'] ?? 0,
    duplicate: counts['duplicate'] ?? 0,
    filtered: counts['filtered'] ?? 0,
    addressed: counts['addressed'] ?? 0,
    deadByCode: numbersOf(body['deadByCode']),
  };
}

function numbersOf(value: JsonValue | undefined): Readonly<Record<string, number>> {
  if (!isJsonObject(value)) return {};
  return Object.fromEntries(
    Object.entries(value).filter((entry): entry is [string, number] => typeof entry[1] === 'number'),
  );
}
