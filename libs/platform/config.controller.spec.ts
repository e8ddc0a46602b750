import { expect, it } from '@jest/globals';
import type { AlertRuleFiles } from './alert-rule-files.js';
import { ConfigController } from './config.controller.js';
import { Configuration } from './configuration.js';
import type { Pipelines } from './pipelines.js';

it('the configuration says how far back repeats are dropped, and of how many ids', () => {
  const configuration = Configuration.load('enrich', {}, []);
  const all = [
    { name: 'web', ingest: { deduplicateForMs: 600_000 } },
    { name: 'shop', ingest: { deduplicateForMs: 0 } },
  ];
  const alertRules = { statuses: () => [] } as unknown as AlertRuleFiles;
  const controller = new ConfigController(configuration, { all } as unknown as Pipelines, alertRules);
  expect(controller.show().deduplication).toEqual([
    { pipeline: 'web', horizonMs: 600_000, idsPerPartition: 1_000_000 },
    { pipeline: 'shop', horizonMs: 0, idsPerPartition: 1_000_000 },
  ]);
});
