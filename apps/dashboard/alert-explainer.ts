import { Injectable } from '@nestjs/common';
import {
  type AlertEvent,
  type AlertExplanation,
  alertFingerprint,
  type AlertRule,
  explainAlert,
} from '#libs/alerting';
import type { JsonObject } from '#libs/kernel';
import type { PipelineDefinition } from '#libs/pipeline';
import { COLLECTIONS, DocumentStore, type FoundRow, ResultStore } from '#libs/storage';
import { AlertHolds } from './alert-holds.js';
import { ParameterInvalidError } from './dashboard.errors.js';
import { ProgressReader } from './progress-reader.js';

export interface AlertPlace {
  readonly pipeline: PipelineDefinition;
  readonly rule: string;
  readonly stream: string;
  readonly key: Readonly<Record<string, string>>;
}

/** Rows that are judged again: enough for `for`, M of N, and windows to compare with. */
const LEAST_ROWS = 200;
const MAX_ROWS = 3_000;

/** Says why an alert is firing, or is not, by the rows that are stored. */
@Injectable()
export class AlertExplainer {
  constructor(
    private readonly results: ResultStore,
    private readonly documents: DocumentStore,
    private readonly progress: ProgressReader,
    private readonly holds: AlertHolds,
  ) {}

  /** @throws ParameterInvalidError where the pipeline has no such rule */
  async explain({ pipeline, rule: name, stream, key }: AlertPlace): Promise<AlertExplanation & JsonObject> {
    const rule = pipeline.alerts.find((each) => each.name === name);
    if (rule === undefined) {
      const known = pipeline.alerts.map((each) => each.name).join(', ');
      throw new ParameterInvalidError('rule', name, `a rule of the pipeline: ${known}`);
    }
    const rows = rule.series === '' ? [] : await this.#rows(pipeline, rule, { stream, key });
    const labels = { ...rule.labels, ...(rows.at(-1)?.key ?? key), stream };
    const fingerprint = alertFingerprint(pipeline.name, name, labels);
    const document = await this.documents.get(COLLECTIONS.alerts, fingerprint);
    const told = document?.body as unknown as AlertEvent | undefined;
    const watermarkMs = (await this.progress.read(pipeline, stream)).watermarkMs(stream);
    const explained = explainAlert({
      ...{ rule, rows },
      ...(watermarkMs === undefined ? {} : { watermarkMs }),
      ...(told === undefined ? {} : { told }),
    });
    const alert = { pipeline: pipeline.name, rule: name, severity: rule.severity, labels, fingerprint };
    const held = await this.holds.of(pipeline, alert);
    return { ...alert, ...explained, ...held } as unknown as AlertExplanation & JsonObject;
  }

  /** Complete rows, oldest first. */
  async #rows(
    pipeline: PipelineDefinition,
    rule: AlertRule,
    { stream, key }: Pick<AlertPlace, 'stream' | 'key'>,
  ): Promise<readonly FoundRow[]> {
    const { rows } = await this.results.query({
      ...{ pipeline: pipeline.name, series: rule.series, stream, key },
      order: 'descending',
      limit: rowsFor(rule),
    });
    return rows.filter((row) => !row.provisional && row.retracted !== true).reverse();
  }
}

function rowsFor({ condition, everyMs = 1 }: AlertRule): number {
  if (condition.kind !== 'change') return LEAST_ROWS;
  return Math.min(MAX_ROWS, LEAST_ROWS + Math.ceil(condition.againstMs / everyMs));
}
