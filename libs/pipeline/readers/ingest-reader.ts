import { type AcceptedFormat, compileLogTemplate, LOG_FORMATS } from '#libs/ingestion';
import type { EventSchema } from '#libs/schema';
import type { IngestSettings } from '../pipeline-definition.js';
import type { ProblemLog } from '../settings/problem-log.js';
import type { MapSetting, Setting } from '../settings/setting.js';
import {
  choiceReader,
  distinctReader,
  durationReader,
  listReader,
  MapReader,
  type Reader,
} from '../settings/setting-reader.js';

export const DEFAULT_INGEST: IngestSettings = {
  logFormats: LOG_FORMATS.map((name) => ({ name })),
  deduplicateForMs: 600_000,
};

const MAX_DECLARED = 16;
const NAME = /^[a-z][a-z0-9_-]{0,39}$/;
const NAME_RULE = 'a name of a-z, 0-9, _ and -, starting with a letter, at most 40';

export function readIngest(
  setting: Setting,
  schema: EventSchema | undefined,
  log: ProblemLog,
): IngestSettings | undefined {
  const ingest = MapReader.of(setting, log, ['logFormats', 'deduplicateFor']);
  if (ingest === undefined) return undefined;
  const formats = ingest.optional('logFormats', formatsReader(schema), DEFAULT_INGEST.logFormats);
  return {
    logFormats: formats,
    deduplicateForMs: ingest.optional('deduplicateFor', durationReader(0), DEFAULT_INGEST.deduplicateForMs),
  };
}

function formatsReader(schema: EventSchema | undefined): Reader<readonly AcceptedFormat[]> {
  const known = choiceReader(LOG_FORMATS);
  const one: Reader<AcceptedFormat> = (setting, log) => {
    if (setting.kind === 'map') return readDeclared(setting, schema, log);
    const name = known(setting, log);
    return name === undefined ? undefined : { name };
  };
  const list = listReader(
    distinctReader(one, ({ name }) => name),
    'a list of formats',
    1,
  );
  return (setting, log) => {
    const formats = list(setting, log);
    const declared = formats?.filter(({ template }) => template !== undefined).length ?? 0;
    return declared > MAX_DECLARED
      ? log.refuse(setting, `at most ${MAX_DECLARED} declared formats`)
      : formats;
  };
}

/** `name: '$remote_addr …'`, as nginx's `log_format` says it. */
function readDeclared(
  setting: MapSetting,
  schema: EventSchema | undefined,
  log: ProblemLog,
): AcceptedFormat | undefined {
  const [first, ...others] = setting.entries;
  if (first === undefined || others.length > 0)
    return log.refuse(setting, 'one declared format an item, as in {edge: "$remote_addr …"}');
  const [name, { keyPlace, value }] = first;
  const isTaken = (LOG_FORMATS as readonly string[]).includes(name);
  if (isTaken || !NAME.test(name)) {
    const wanted = isTaken ? `another name: ${name} is a format of its own` : NAME_RULE;
    log.report(keyPlace, value.path, { found: `the key ${name}`, wanted });
    return undefined;
  }
  return readTemplate(name, value, { schema, log });
}

function readTemplate(
  name: string,
  value: Setting,
  { schema, log }: { readonly schema: EventSchema | undefined; readonly log: ProblemLog },
): AcceptedFormat | undefined {
  if (value.kind !== 'scalar' || typeof value.value !== 'string')
    return log.refuse(value, 'a log_format of nginx, as in "$remote_addr [$time_local] …"');
  const compiled = compileLogTemplate(value.value);
  if (compiled.kind === 'wrong') {
    const found = value.value.slice(compiled.offset, compiled.offset + 20);
    log.report(value.placeAt(compiled.offset), value.path, { found: `'${found}'`, wanted: compiled.reason });
    return undefined;
  }
  const { template } = compiled;
  // Every request that a line tells has a method and a path; the status has a variable of its own.
  if (isRequired(schema, 'status') && !template.variables.includes('status'))
    return log.refuse(value, `$status too: an event of ${schema?.type ?? 'the schema'} needs it`);
  return { name, template };
}

function isRequired(schema: EventSchema | undefined, field: string): boolean {
  const required = schema?.jsonSchema['required'];
  return Array.isArray(required) && required.includes(field);
}
