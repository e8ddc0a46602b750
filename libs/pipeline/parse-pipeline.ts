import type { JsonObject } from '#libs/kernel';
import type { EventSchema, SchemaRegistry } from '#libs/schema';
import type { TimeDefinition } from '#libs/windowing';
import { NO_ALERTS, readAlertRules } from './readers/alert-rules-reader.js';
import { readEnrichment } from './readers/enrich-reader.js';
import { wantedName } from './settings/near-name.js';
import { globalPartitionsOf, type PipelineDefinition } from './pipeline-definition.js';
import { DEFAULT_INGEST, readIngest } from './readers/ingest-reader.js';
import type { PipelineSource } from './pipeline-source.js';
import { plainJson } from './settings/plain-json.js';
import { ProblemLog } from './settings/problem-log.js';
import { readAggregate } from './readers/series-reader.js';
import type { Setting } from './settings/setting.js';
import {
  choiceReader,
  durationReader,
  MapReader,
  numberReader,
  textReader,
} from './settings/setting-reader.js';
import { settingTree } from './settings/setting-tree.js';

export interface PipelineContext {
  /** The schemas that `spec.event` may name. */
  readonly schemas: SchemaRegistry;
}

const MAX_PARTITIONS = 256;
const DEFAULT_PARTITIONS = 4;
const NAME_RULE = 'a name of a-z, 0-9 and -, starting with a letter, at most 40';

/**
 * Reads and checks a pipeline file with what it includes: names, types, settings that can't work, every expression
 * against the fields it may use. Fills in the defaults. No I/O.
 *
 * @throws PipelineInvalidError with everything that is wrong, in the order of the file
 */
export function parsePipeline(source: PipelineSource, context: PipelineContext): PipelineDefinition {
  const log = new ProblemLog();
  const tree = settingTree(source, log);
  const definition = readPipeline(tree, context, log);
  log.throwIfAny();
  if (definition === undefined) throw new Error(`${source.file} was refused without a problem`);
  return definition;
}

function readPipeline(
  tree: Setting,
  context: PipelineContext,
  log: ProblemLog,
): PipelineDefinition | undefined {
  const document = MapReader.of(tree, log, ['apiVersion', 'kind', 'metadata', 'spec']);
  document?.required('apiVersion', choiceReader(['millrace/v1']));
  document?.required('kind', choiceReader(['Pipeline']));
  const metadata = document?.required('metadata', (each) => MapReader.of(each, log, ['name']));
  const name = metadata?.required('name', textReader(NAME_RULE, /^[a-z][a-z0-9-]{0,39}$/));
  const spec = document?.required('spec', (each, problems) => readSpec(each, context, problems));
  return name === undefined || spec === undefined
    ? undefined
    : { name, ...spec, source: plainJson(tree) as JsonObject };
}

const SPEC_OPTIONS = ['partitions', 'event', 'time', 'ingest', 'enrich', 'aggregate', 'alerts'];

function readSpec(
  setting: Setting,
  { schemas }: PipelineContext,
  log: ProblemLog,
): Omit<PipelineDefinition, 'name' | 'source'> | undefined {
  const spec = MapReader.of(setting, log, SPEC_OPTIONS, ['retention', 'functions', 'backpressure']);
  if (spec === undefined) return undefined;
  const partitions = spec.optional('partitions', readPartitions, DEFAULT_PARTITIONS);
  const time = spec.optional('time', readTime, undefined) ?? DEFAULT_TIME;
  const schema = spec.required('event', schemaReader(schemas));
  const ingest =
    spec.optional('ingest', (each, problems) => readIngest(each, schema, problems), undefined) ??
    DEFAULT_INGEST;
  // Without the schema nothing is known of the fields: every name would be a problem of its own.
  if (schema === undefined) return undefined;
  const { steps, scope } = readEnrichment(spec.member('enrich'), schema.fields, log);
  const series = readAggregate(spec.member('aggregate'), scope, log);
  const alertScope = { series, fields: scope };
  const alerts = spec.optional(
    'alerts',
    (each, problems) => readAlertRules(each, alertScope, problems),
    NO_ALERTS,
  );
  return {
    partitions,
    globalPartitions: globalPartitionsOf(partitions),
    eventType: schema.type,
    schema,
    time,
    ingest,
    enrich: steps,
    series: series.map(({ definition }) => definition),
    alerts: alerts.rules,
    alertPolicy: alerts.policy,
  };
}

const readPartitions = numberReader(
  `a whole number from 1 to ${MAX_PARTITIONS}`,
  (value) => Number.isInteger(value) && value >= 1 && value <= MAX_PARTITIONS,
);

function schemaReader(
  schemas: SchemaRegistry,
): (setting: Setting, log: ProblemLog) => EventSchema | undefined {
  return (setting, log) => {
    const type = setting.kind === 'scalar' ? String(setting.value) : '';
    return schemas.get(type) ?? log.refuse(setting, `a schema: ${wantedName(type, schemas.names())}`);
  };
}

const DEFAULT_TIME: TimeDefinition = {
  maxOutOfOrdernessMs: 10_000,
  maxFutureSkewMs: 300_000,
  idleAfterMs: 10_000,
};

function readTime(setting: Setting, log: ProblemLog): TimeDefinition | undefined {
  const time = MapReader.of(setting, log, ['maxOutOfOrderness', 'maxFutureSkew', 'idleAfter']);
  return (
    time && {
      maxOutOfOrdernessMs: time.optional(
        'maxOutOfOrderness',
        durationReader(0),
        DEFAULT_TIME.maxOutOfOrdernessMs,
      ),
      maxFutureSkewMs: time.optional('maxFutureSkew', durationReader(0), DEFAULT_TIME.maxFutureSkewMs),
      idleAfterMs: time.optional('idleAfter', durationReader(1), DEFAULT_TIME.idleAfterMs),
    }
  );
}
