import { describe, expect, it } from '@jest/globals';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { AlertEvent } from '../alert-event.js';
import type { Notification } from './notification.js';
import { webhookBody, type WebhookBody } from './webhook-body.js';

/** What a real Alertmanager has posted to a webhook for alerts that we had pushed to it. */
const RECORDED = JSON.parse(
  readFileSync(join(import.meta.dirname, 'fixture/alertmanager-0.25.json'), 'utf8'),
) as { readonly pushed: readonly AlertEvent[]; readonly posted: readonly WebhookBody[] };

function bodyOf(alerts: readonly AlertEvent[]): WebhookBody | undefined {
  const notification: Notification = {
    ...{ id: 'n', pipeline: 'web', groupKey: 'g', groupLabels: { rule: 'high-error-ratio' } },
    ...{ status: 'firing', reason: 'changed', at: '2026-01-01T00:00:00.000Z', alerts, truncatedAlerts: 0 },
  };
  return webhookBody(notification, { name: 'pager', matchers: [], sendResolved: true });
}

/** A fingerprint is ours alone. */
function comparable(body: WebhookBody | undefined): unknown {
  return body && { ...body, alerts: body.alerts.map((alert) => ({ ...alert, fingerprint: '' })) };
}

describe('the body of a webhook', () => {
  const [demo, web, ended] = RECORDED.pushed;
  it.each<[string, readonly AlertEvent[], number]>([
    ['two alerts that fire', [demo!, web!], 0],
    ['one that fires and one that has ended', [demo!, ended!], 1],
  ])('of %s is what Alertmanager posts for the same', (_, alerts, index) => {
    expect(comparable(bodyOf(alerts))).toEqual(comparable(RECORDED.posted[index]));
  });
});
