import { Controller, Get, Inject } from '@nestjs/common';
import { AlertRuleFiles, type AlertRulesStatus } from './alert-rule-files.js';
import { Configuration, type EffectiveSetting } from './configuration.js';
import { Pipelines } from './pipelines.js';

/** How far back repeats of an id are dropped. */
export interface DeduplicationCover {
  readonly pipeline: string;
  /** 0: not at all. */
  readonly horizonMs: number;
  /** With more ids than that the horizon is shorter; millrace_enrich_deduplication_horizon_seconds says how far. */
  readonly idsPerPartition: number;
}

const IDS_PER_PARTITION = 1_000_000;

@Controller('v1/config')
export class ConfigController {
  constructor(
    @Inject(Configuration) private readonly configuration: Configuration,
    @Inject(Pipelines) private readonly pipelines: Pipelines,
    @Inject(AlertRuleFiles) private readonly alertRules: AlertRuleFiles,
  ) {}

  @Get()
  show(): {
    readonly app: string;
    readonly processId: string;
    readonly settings: readonly EffectiveSetting[];
    readonly deduplication: readonly DeduplicationCover[];
    readonly alertRules: readonly AlertRulesStatus[];
  } {
    const { app, processId } = this.configuration;
    const deduplication = this.pipelines.all.map(({ name, ingest }) => ({
      pipeline: name,
      horizonMs: ingest.deduplicateForMs,
      idsPerPartition: IDS_PER_PARTITION,
    }));
    const [settings, alertRules] = [this.configuration.effective(), this.alertRules.statuses()];
    return { app, processId, settings, deduplication, alertRules };
  }
}
