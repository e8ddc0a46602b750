import { Injectable } from '@nestjs/common';
import { type AlertEvent, isActive } from '#libs/alerting';
import { Clock, type JsonObject } from '#libs/kernel';
import { Pipelines } from '#libs/platform';
import { COLLECTIONS, DocumentStore, type DocumentWrite } from '#libs/storage';
import { type AlertHold, holdsAmong } from './alert-holds.js';
import { everyDocument } from './document-pages.js';
import { isoTime } from './request-query.js';
import { SilencesStore } from './silences-store.js';

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
  constructor(
    private readonly documents: DocumentStore,
    private readonly silences: SilencesStore,
    private readonly pipelines: Pipelines,
    private readonly clock: Clock,
  ) {}

  /** The newest episode of each alert, the latest change first. */
  async list(filter: AlertFilter): Promise<readonly JsonObject[]> {
    const found = await everyDocument(this.documents, {
      collection: COLLECTIONS.alerts,
      order: 'descending',
    });
    const holdOf = await this.#holds(found);
    const views = found.map((document) => ({ ...alertView(document), ...holdOf(document) }));
    return views.filter(({ pipeline, status, stream }: JsonObject) =>
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
    const holdOf = await this.#holds(await everyDocument(this.documents, { collection: COLLECTIONS.alerts }));
    return { ...alertView(document), ...holdOf(document), history: documents.map(transitionView) };
  }

  /** What keeps active alerts from notifying anybody; only what there is of it. */
  async #holds(all: readonly DocumentWrite[]): Promise<(document: DocumentWrite) => JsonObject> {
    const silences = await this.silences.active();
    const nowMs = this.clock.nowMs();
    const holds = new Map(
      this.pipelines.all.map((pipeline) => {
        const ofPipeline = all.filter(({ fields }) => fields['pipeline'] === pipeline.name);
        const alerts = ofPipeline.map(({ body }) => body as unknown as AlertEvent);
        return [pipeline.name, holdsAmong(pipeline, { alerts, silences, nowMs })] as const;
      }),
    );
    return ({ fields, body }) => {
      const alert = body as unknown as AlertEvent;
      const isHeldBack =
        isActive({ status: alert.status, judgedUntilMs: 0 }) && typeof alert.labels === 'object';
      const hold = isHeldBack ? holds.get(String(fields['pipeline']))?.(alert) : undefined;
      return hold === undefined ? {} : withoutNothing(hold);
    };
  }
}

function withoutNothing(hold: AlertHold): JsonObject {
  return Object.fromEntries(
    Object.entries(hold).filter(([, names]) => (names as readonly string[]).length > 0),
  );
}

function alertView({ id, timeMs, fields, body }: DocumentWrite): JsonObject {
  return { fingerprint: id, changedAt: isoTime(timeMs), ...fields, ...body };
}

function transitionView({ id, timeMs, fields, body }: DocumentWrite): JsonObject {
  return { id, at: isoTime(timeMs), ...fields, ...body };
}
