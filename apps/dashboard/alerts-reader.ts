import { Injectable } from '@nestjs/common';
import type { JsonObject } from '#libs/kernel';
import { COLLECTIONS, DocumentStore, type DocumentWrite } from '#libs/storage';
import { everyDocument } from './document-pages.js';
import { isoTime } from './request-query.js';

/** Transitions of one alert that are shown, newest first. */
const MAX_HISTORY = 1_000;

/** What an alert is asked for by; undefined: any. */
export interface AlertFilter {
  readonly pipeline?: string | undefined;
  readonly status?: string | undefined;
  readonly stream?: string | undefined;
}

/** Reads the state of alerts and how they came to it. */
@Injectable()
export class AlertsReader {
  constructor(private readonly documents: DocumentStore) {}

  /** The newest episode of each alert, the latest change first. */
  async list(filter: AlertFilter): Promise<readonly JsonObject[]> {
    const found = await everyDocument(this.documents, {
      collection: COLLECTIONS.alerts,
      order: 'descending',
    });
    return found.map(alertView).filter(({ pipeline, status, stream }) =>
      [
        [filter.pipeline, pipeline],
        [filter.status, status],
        [filter.stream, stream],
      ].every(([wanted, value]) => wanted === undefined || wanted === value),
    );
  }

  /** One alert with its transitions, newest first; undefined if it never was. */
  async one(fingerprint: string): Promise<JsonObject | undefined> {
    const document = await this.documents.get(COLLECTIONS.alerts, fingerprint);
    if (document === undefined) return undefined;
    const { documents } = await this.documents.find({
      collection: COLLECTIONS.alertTransitions,
      where: { fingerprint },
      order: 'descending',
      limit: MAX_HISTORY,
    });
    return { ...alertView(document), history: documents.map(transitionView) };
  }
}

function alertView({ id, timeMs, fields, body }: DocumentWrite): JsonObject {
  return { fingerprint: id, changedAt: isoTime(timeMs), ...fields, ...body };
}

function transitionView({ id, timeMs, fields, body }: DocumentWrite): JsonObject {
  return { id, at: isoTime(timeMs), ...fields, ...body };
}
