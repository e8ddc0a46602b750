import { Controller, Get, Param, Query } from '@nestjs/common';
import { ALERT_STATUSES } from '#libs/alerting';
import { isJsonObject, type JsonObject } from '#libs/kernel';
import { Pipelines } from '#libs/platform';
import { AlertExplainer } from './alert-explainer.js';
import { AlertsReader } from './alerts-reader.js';
import { AlertUnknownError, ParameterInvalidError } from './dashboard.errors.js';
import { choosePipeline } from './pipeline-choice.js';
import { type RawQuery, RequestQuery } from './request-query.js';

/** The state of every alert, and the history of each. */
@Controller('v1/alerts')
export class AlertsController {
  constructor(
    private readonly reader: AlertsReader,
    private readonly explainer: AlertExplainer,
    private readonly pipelines: Pipelines,
  ) {}

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

  /** Why an alert is firing, or is not, also of one that never was. */
  @Get('explain')
  explain(@Query() raw: RawQuery): Promise<JsonObject> {
    const query = new RequestQuery(raw, ['pipeline', 'rule', 'stream', 'key.*']);
    return this.explainer.explain({
      pipeline: choosePipeline(this.pipelines, query.text('pipeline')),
      rule: given(query.text('rule'), 'rule'),
      stream: given(query.stream(), 'stream'),
      key: query.withPrefix('key.'),
    });
  }

  @Get(':fingerprint/explain')
  async explainOne(@Param('fingerprint') fingerprint: string): Promise<JsonObject> {
    const { pipeline, rule, stream, labels, status, reason, summary } = await this.one(fingerprint);
    const chosen = choosePipeline(this.pipelines, String(pipeline));
    // What stands for a whole rule, or the whole pipeline, has no rows of its own.
    if (stream === '' || !chosen.alerts.some(({ name }) => name === rule))
      return { fingerprint, rule, status, reason: summary ?? reason, rows: [] };
    const key = Object.entries(isJsonObject(labels) ? labels : {}).filter(([name]) =>
      chosen.series.some(({ by }) => by.includes(name)),
    );
    return this.explainer.explain({
      pipeline: chosen,
      rule: String(rule),
      stream: String(stream),
      key: Object.fromEntries(key.map(([name, value]) => [name, String(value)])),
    });
  }

  @Get(':fingerprint')
  async one(@Param('fingerprint') fingerprint: string): Promise<JsonObject> {
    const alert = await this.reader.one(fingerprint);
    if (alert === undefined) throw new AlertUnknownError(fingerprint);
    return alert;
  }
}

function given(value: string | undefined, parameter: string): string {
  if (value === undefined) throw new ParameterInvalidError(parameter, '', 'given');
  return value;
}
