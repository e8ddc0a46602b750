import type { RuleTest } from '#libs/alerting';
import type { PipelineDefinition } from './pipeline-definition.js';
import type { PipelineSource } from './pipeline-source.js';
import { alertTestReader } from './readers/alerts/alert-test-reader.js';
import { textOf } from './readers/alerts/alert-setting-readers.js';
import { ProblemLog } from './settings/problem-log.js';
import {
  choiceReader,
  distinctReader,
  listReader,
  MapReader,
  textReader,
} from './settings/setting-reader.js';
import { settingTree } from './settings/setting-tree.js';

/** The tests of a file, and the pipeline that they are of. */
export interface AlertTests {
  readonly pipeline: PipelineDefinition;
  readonly tests: readonly RuleTest[];
}

/**
 * Reads and checks a file of tests of alert rules.
 *
 * @param loadPipeline reads the pipeline file that is named, relative to the file of tests
 * @throws PipelineInvalidError with everything that is wrong, and what `loadPipeline` throws
 */
export function parseAlertTests(
  source: PipelineSource,
  loadPipeline: (name: string) => PipelineDefinition,
): AlertTests {
  const log = new ProblemLog();
  const document = MapReader.of(settingTree(source, log), log, ['apiVersion', 'kind', 'pipeline', 'tests']);
  document?.required('apiVersion', choiceReader(['millrace/v1']));
  document?.required('kind', choiceReader(['AlertRuleTests']));
  document?.required('pipeline', textReader('the name of a pipeline file'));
  log.throwIfAny();
  const pipeline = loadPipeline(textOf(document?.member('pipeline')));
  const test = distinctReader(alertTestReader(pipeline), ({ name }) => name);
  const tests = document?.required('tests', listReader(test, 'a list of tests', 1)) ?? [];
  log.throwIfAny();
  return { pipeline, tests };
}
