import { Injectable } from '@nestjs/common';
import {
  type AlertEvent,
  inhibitorsOf,
  isAlerting,
  maintenanceOf,
  type Silence,
  silencesOf,
} from '#libs/alerting';
import { Clock, type JsonObject } from '#libs/kernel';
import type { PipelineDefinition } from '#libs/pipeline';
import { COLLECTIONS, DocumentStore } from '#libs/storage';
import { everyDocument } from './document-pages.js';
import { SilencesStore } from './silences-store.js';

type Held = Pick<AlertEvent, 'pipeline' | 'rule' | 'severity' | 'labels' | 'fingerprint'>;

/** What keeps an alert from notifying anybody. Names of silences, of times of maintenance, of firing alerts. */
export interface AlertHold extends JsonObject {
  readonly silencedBy: readonly string[];
  readonly maintenance: readonly string[];
  readonly inhibitedBy: readonly string[];
}

/** Looks at what holds alerts back, as the alert app does. */
@Injectable()
export class AlertHolds {
  constructor(
    private readonly documents: DocumentStore,
    private readonly silences: SilencesStore,
    private readonly clock: Clock,
  ) {}

  async of(pipeline: PipelineDefinition, alert: Held): Promise<AlertHold> {
    const found = await everyDocument(this.documents, {
      collection: COLLECTIONS.alerts,
      where: { pipeline: pipeline.name },
    });
    const alerts = found.map(({ body }) => body as unknown as AlertEvent);
    const hold = holdsAmong(pipeline, {
      alerts,
      silences: await this.silences.active(),
      nowMs: this.clock.nowMs(),
    });
    return hold(alert);
  }
}

/** Holds of one pipeline's alerts, all of which are given. */
export function holdsAmong(
  { alertPolicy }: Pick<PipelineDefinition, 'alertPolicy'>,
  known: {
    readonly alerts: readonly AlertEvent[];
    readonly silences: readonly Silence[];
    readonly nowMs: number;
  },
): (alert: Held) => AlertHold {
  const { inhibit, maintenance } = alertPolicy;
  const { alerts, silences, nowMs } = known;
  const firing = alerts.filter(({ status, historical }) => isAlerting(status) && historical !== true);
  return (alert) => ({
    silencedBy: silencesOf(silences, alert, nowMs).map(({ id }) => id),
    maintenance: maintenanceOf(maintenance, alert, nowMs).map(({ name }) => name),
    inhibitedBy: inhibitorsOf(inhibit, alert, firing).map(({ fingerprint }) => fingerprint),
  });
}
