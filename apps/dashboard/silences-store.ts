import { randomUUID } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { type Matcher, type Silence, type SilenceStatus, silenceStatus } from '#libs/alerting';
import { Clock, type JsonObject } from '#libs/kernel';
import { COLLECTIONS, DocumentStore, type DocumentWrite } from '#libs/storage';
import { everyDocument } from './document-pages.js';
import { isoTime } from './request-query.js';

/** Silences that are over are kept this long, to be looked at. */
const KEPT_AFTER_END_MS = 5 * 24 * 3_600_000;
const PRUNED_AT_ONCE = 100;

/** Keeps silences as documents, ordered by their ends; the alert app reads them from there. */
@Injectable()
export class SilencesStore {
  constructor(
    private readonly documents: DocumentStore,
    private readonly clock: Clock,
  ) {}

  async all(): Promise<readonly Silence[]> {
    const found = await everyDocument(this.documents, {
      collection: COLLECTIONS.silences,
      order: 'descending',
    });
    return found.map(silenceOf);
  }

  /** Those that hold alerts back now. */
  async active(): Promise<readonly Silence[]> {
    const nowMs = this.clock.nowMs();
    const found = await everyDocument(this.documents, { collection: COLLECTIONS.silences, fromMs: nowMs });
    return found.map(silenceOf).filter((silence) => silenceStatus(silence, nowMs) === 'active');
  }

  async one(id: string): Promise<Silence | undefined> {
    const document = await this.documents.get(COLLECTIONS.silences, id);
    return document && silenceOf(document);
  }

  /** Durable when it resolves. */
  async add(silence: Omit<Silence, 'id'>): Promise<Silence> {
    const added = { ...silence, id: randomUUID() };
    await this.documents.put([documentOf(added)]);
    await this.#prune();
    return added;
  }

  /** Ends it now; one that has not begun never will. What is over stays as it is. */
  async expire(silence: Silence): Promise<void> {
    const nowMs = this.clock.nowMs();
    if (silence.endsAtMs <= nowMs) return;
    const startsAtMs = Math.min(silence.startsAtMs, nowMs);
    await this.documents.put([documentOf({ ...silence, startsAtMs, endsAtMs: nowMs })]);
  }

  async #prune(): Promise<void> {
    const { documents } = await this.documents.find({
      collection: COLLECTIONS.silences,
      toMs: this.clock.nowMs() - KEPT_AFTER_END_MS,
      limit: PRUNED_AT_ONCE,
    });
    for (const { id } of documents) await this.documents.remove(COLLECTIONS.silences, id);
  }
}

export interface SilenceView extends JsonObject {
  readonly id: string;
  readonly status: SilenceStatus;
}

/** A silence as answers show it. */
export function silenceView(silence: Silence, nowMs: number): SilenceView {
  const { id, matchers, startsAtMs, endsAtMs, createdBy, comment } = silence;
  const compared = matchers.map(({ name, value, isEqual = true, isRegex = false }) => ({
    ...{ name, value, isEqual, isRegex },
  }));
  const times = { startsAt: isoTime(startsAtMs), endsAt: isoTime(endsAtMs) };
  return { id, status: silenceStatus(silence, nowMs), matchers: compared, ...times, createdBy, comment };
}

function documentOf({ id, matchers, startsAtMs, endsAtMs, createdBy, comment }: Silence): DocumentWrite {
  return {
    collection: COLLECTIONS.silences,
    id,
    timeMs: endsAtMs,
    fields: { createdBy },
    body: {
      matchers: matchers.map((each) => ({ ...each })),
      startsAt: isoTime(startsAtMs),
      createdBy,
      comment,
    },
  };
}

function silenceOf({ id, timeMs, body }: DocumentWrite): Silence {
  return {
    id,
    matchers: body['matchers'] as unknown as readonly Matcher[],
    startsAtMs: Date.parse(String(body['startsAt'])),
    endsAtMs: timeMs,
    createdBy: String(body['createdBy']),
    comment: String(body['comment']),
  };
}
