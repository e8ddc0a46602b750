import { describe, expect, test } from '@jest/globals';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { AlertEvent, Notification } from '#libs/alerting';
import type { DeadEvent } from '#libs/kernel';
import {
  type AvroRecord,
  eventBreaks,
  type ObjectSchema,
  PUBLIC_SCHEMAS,
  type PublicNoun,
  registryBreaks,
  type SchemaBreak,
  shippedSchemas,
} from '#libs/schema';
import type { ResultRow } from '#libs/storage';
import { ROOT, sourceFiles } from './source-files.js';

// Schemas as they were, in libs/schema/fixtures: a folder for each, a file for each state, numbered from 1. Files are
// added, never edited. What programs of today do is compared with each of them.

const FIXTURES = join(ROOT, 'libs', 'schema', 'fixtures');
const PIPELINES = [...sourceFiles('pipelines', /\.ya?ml$/), ...sourceFiles('examples', /\.ya?ml$/)];

/** The recorded states of a schema, oldest first. */
function recorded<T>(name: string): readonly T[] {
  const folder = join(FIXTURES, name);
  const files = existsSync(folder) ? readdirSync(folder).filter((file) => /^\d+\.json$/.test(file)) : [];
  return files
    .sort((a, b) => parseInt(a) - parseInt(b))
    .map((file) => JSON.parse(readFileSync(join(folder, file), 'utf8')) as T);
}

/** What a change would break, in sentences; for fields that a pipeline file names, with the file. */
function sentences(name: string, breaks: readonly SchemaBreak[]): readonly string[] {
  return breaks.map(({ field, reader, reason }) => {
    const files = reader === 'older readers' ? pipelinesThatRead(field) : [];
    const by = files.length === 0 ? reader : `${reader}, among them ${files.join(', ')}`;
    return `${name}: ${field} ${reason} (breaks: ${by})`;
  });
}

function pipelinesThatRead(field: string): readonly string[] {
  const word = new RegExp(String.raw`\b${field}\b`);
  return PIPELINES.filter(({ text }) => word.test(text)).map(({ path }) => path);
}

/** Asks for a file where today's state is not the newest recorded one. */
function expectRecorded(name: string, states: readonly unknown[], today: object): void {
  const wanted = `libs/schema/fixtures/${name}/${states.length + 1}.json`;
  const text = JSON.stringify(today, null, 2);
  if (JSON.stringify(states.at(-1)) !== JSON.stringify(today)) {
    throw new Error(`${name} has changed and breaks nobody. Record it: add ${wanted} with\n${text}`);
  }
}

describe('event classes', () => {
  const schemas = shippedSchemas();
  test.each(schemas.names())('%s fits what was stored and who reads', (name) => {
    const today = schemas.get(name)?.jsonSchema as unknown as ObjectSchema;
    const states = recorded<ObjectSchema>(name);
    expect(states.flatMap((state) => sentences(name, eventBreaks(state, today)))).toEqual([]);
    expectRecorded(name, states, today);
  });
});

describe('public topics', () => {
  test.each(Object.keys(PUBLIC_SCHEMAS) as PublicNoun[])('%s fit what the registry holds', (noun) => {
    const today = PUBLIC_SCHEMAS[noun];
    const states = recorded<AvroRecord>(noun);
    expect(states.flatMap((state) => sentences(noun, registryBreaks(state, today)))).toEqual([]);
    expectRecorded(noun, states, today);
  });
});

/** Every name of a type: the compiler refuses one that is missing, or too many. */
type Names<T> = Record<keyof T, true>;

const RESULT: Names<ResultRow> = {
  ...{ pipeline: true, series: true, stream: true, key: true, windowStartMs: true, windowEndMs: true },
  ...{ measures: true, revision: true, retracted: true, task: true },
};
const DEAD: Names<DeadEvent['dead']> = {
  ...{ code: true, reason: true, stage: true, isLogLine: true, line: true, index: true, path: true },
  ...{ attempts: true, original: true, originalBytes: true },
};
const ALERT: Names<AlertEvent> = {
  ...{ fingerprint: true, episode: true, sequence: true, pipeline: true, rule: true, severity: true },
  ...{ summary: true, labels: true, from: true, status: true, reason: true, since: true, startedAt: true },
  ...{ firedAt: true, resolvedAt: true, value: true, parts: true, condition: true, annotations: true },
  ...{ flapping: true, historical: true },
};
const NOTIFICATION: Names<Notification> = {
  ...{ id: true, pipeline: true, groupKey: true, groupLabels: true, status: true, reason: true, at: true },
  ...{ alerts: true, truncatedAlerts: true },
};

describe('public schemas have the fields of what is sent', () => {
  const deadField = PUBLIC_SCHEMAS.dead.fields.find(({ name }) => name === 'dead')?.type;
  const dead = (deadField as readonly [null, AvroRecord])[1];
  const cases: readonly (readonly [
    name: string,
    record: AvroRecord,
    names: Readonly<Record<string, true>>,
  ])[] = [
    ['results', PUBLIC_SCHEMAS.results, RESULT],
    ['dead', dead, DEAD],
    ['alerts', PUBLIC_SCHEMAS.alerts, ALERT],
    ['notifications', PUBLIC_SCHEMAS.notifications, NOTIFICATION],
  ];
  test.each(cases)('%s', (_name, record, names) => {
    expect(record.fields.map(({ name }) => name).sort()).toEqual(Object.keys(names).sort());
  });
});

describe('recorded schemas', () => {
  test('are those of a schema that there is', () => {
    const known = new Set<string>([...shippedSchemas().names(), ...Object.keys(PUBLIC_SCHEMAS)]);
    expect(readdirSync(FIXTURES).filter((name) => !known.has(name))).toEqual([]);
  });

  test('a break names the field and the pipeline file that reads it', () => {
    const today = shippedSchemas().get('web-request@1')?.jsonSchema as unknown as ObjectSchema;
    const properties = Object.fromEntries(
      Object.entries(today.properties).filter(([field]) => field !== 'status'),
    );
    const broken = { ...today, properties };
    expect(sentences('web-request@1', eventBreaks(today, broken))).toEqual([
      expect.stringMatching(
        /^web-request@1: status is gone; .* \(breaks: older readers, among them .*pipelines\/web\.yaml/,
      ),
    ]);
  });
});
