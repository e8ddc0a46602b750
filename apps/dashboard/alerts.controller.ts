import { Controller, Get, Param, Query } from '@nestjs/common';
import type { JsonObject } from '#libs/kernel';
import { AlertsReader } from './alerts-reader.js';
import { AlertUnknownError } from './dashboard.errors.js';
import { type RawQuery, RequestQuery } from './request-query.js';

/** What an alert can be; `resolved` ones stay listed with their times. */
export const ALERT_STATUSES = ['pending', 'firing', 'resolved', 'inactive'] as const;

/** The state of every alert, and the history of each. */
@Controller('v1/alerts')
export class AlertsController {
  constructor(private readonly reader: AlertsReader) {}

  @Get()
  async list(@Query() raw: RawQuery): Promise<{ readonly alerts: readonly JsonObject[] }> {
    const query = new RequestQuery(raw, ['status', 'stream', 'pipeline']);
    return {
      alerts: await this.reader.list({
        status: query.choice('status', ALERT_STATUSES),
        stream: query.stream(),
        pipeline: query.text('pipeline'),
      }),
    };
  }

  @Get(':fingerprint')
  async one(@Param('fingerprint') fingerprint: string): Promise<JsonObject> {
    const alert = await this.reader.one(fingerprint);
    if (alert === undefined) throw new AlertUnknownError(fingerprint);
    return alert;
  }
}
