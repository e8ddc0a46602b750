import type { Clock } from '#libs/kernel';
import type { MessageBroker } from '#libs/messaging';
import type { Telemetry } from '#libs/observability';
import type { EnrichStep, LookupStep } from '#libs/pipeline';
import type { KeyedRecords } from '#libs/storage';
import { LookupDatabaseMissingError } from '../enrich.errors.js';
import { FileLookup } from '../lookups/file-lookup.js';
import { readRows } from '../lookups/file-rows.js';
import { HttpLookup } from '../lookups/http-lookup.js';
import type { LookupSource } from '../lookups/lookup-source.js';
import { LookupTable } from '../lookups/lookup-table.js';
import { MongodbLookup } from '../lookups/mongodb-lookup.js';
import { TopicLookup } from '../lookups/topic-lookup.js';
import { ReloadedFile } from '../reloaded-file.js';
import { classifyStep } from './classify.step.js';
import { deriveStep, dropStep, filterStep, renameStep } from './field-steps.js';
import { AddressBook, geoStep, shippedDatabase } from './geo.step.js';
import { lookupStep } from './lookup.step.js';
import { maskStep } from './mask.step.js';
import { ownStep } from './own.step.js';
import { routeStep } from './route.step.js';
import type { Step } from './step.js';
import { userAgentStep } from './user-agent.step.js';
import { visitorStep } from './visitor.step.js';

/** What steps need besides their options. */
export interface StepResources {
  readonly pipeline: string;
  readonly visitorSecret: string;
  readonly clock: Clock;
  readonly telemetry: Telemetry;
  readonly broker: MessageBroker;
  readonly records: KeyedRecords;
}

/** The steps of a pipeline, and what they have opened. */
export interface MadeSteps {
  readonly steps: readonly Step[];
  /** What events wait for at present: `lookup:` and a source; undefined: for no look-up. */
  waitingFor(): string | undefined;
  close(): Promise<void>;
}

interface Opened {
  readonly sources: LookupSource[];
  readonly tables: LookupTable[];
}

/** The steps of a pipeline in the order of its file. @throws StepFileInvalidError */
export async function makeSteps(steps: readonly EnrichStep[], resources: StepResources): Promise<MadeSteps> {
  const opened: Opened = { sources: [], tables: [] };
  const close = async (): Promise<void> => {
    await Promise.all(opened.sources.map(async (source) => await source.close?.()));
  };
  const made: Step[] = [];
  for (const step of steps) made.push(await makeStep(step, resources, opened));
  const waitingFor = (): string | undefined =>
    opened.tables.find((table) => table.waitingFor !== undefined)?.waitingFor;
  return { steps: made, waitingFor, close };
}

async function makeStep(step: EnrichStep, resources: StepResources, opened: Opened): Promise<Step> {
  switch (step.kind) {
    case 'lookup':
      return await makeLookup(step, resources, opened);
    case 'geo':
      return await makeGeo(step, resources);
    case 'use':
      return await ownStep(step, resources.clock);
    default:
      return makePlain(step, resources.visitorSecret);
  }
}

type PlainStep = Exclude<EnrichStep, { readonly kind: 'lookup' | 'geo' | 'use' }>;

function makePlain(step: PlainStep, secret: string): Step {
  switch (step.kind) {
    case 'userAgent':
      return userAgentStep(step.from);
    case 'classify':
      return classifyStep();
    case 'route':
      return routeStep(step);
    case 'visitor':
      return visitorStep({ ...step, secret });
    case 'mask':
      return maskStep({ ...step, secret });
    default:
      return makeFieldStep(step);
  }
}

type FieldStep = Extract<PlainStep, { readonly kind: 'rename' | 'drop' | 'derive' | 'filter' }>;

function makeFieldStep(step: FieldStep): Step {
  switch (step.kind) {
    case 'rename':
      return renameStep(step);
    case 'drop':
      return dropStep(step);
    case 'derive':
      return deriveStep(step);
    case 'filter':
      return filterStep(step);
    default:
      return step satisfies never;
  }
}

async function makeGeo(
  step: Extract<EnrichStep, { readonly kind: 'geo' }>,
  { clock, telemetry }: StepResources,
): Promise<Step> {
  const path = step.database ?? shippedDatabase();
  const wanted = 'a database of addresses (.mmdb)';
  const file = await ReloadedFile.open({
    path,
    wanted,
    clock,
    telemetry,
    read: (bytes) => new AddressBook(bytes),
  });
  return geoStep({ from: step.from, select: step.select, book: () => file.current });
}

async function makeLookup(step: LookupStep, resources: StepResources, opened: Opened): Promise<Step> {
  const source = await openSource(step, resources);
  opened.sources.push(source);
  const { pipeline, clock, telemetry } = resources;
  const { cacheMs, staleMs, cacheSize, timeoutMs } = step;
  // The rows of a file and of a topic are there already; another copy of them would only be older.
  const isHere = step.source.kind === 'file' || step.source.kind === 'topic';
  const table = new LookupTable({
    ...{ pipeline, source, staleMs, cacheSize, timeoutMs, clock, telemetry },
    cacheMs: isHere ? 0 : cacheMs,
  });
  opened.tables.push(table);
  return lookupStep(step, source.name, table);
}

async function openSource(
  { source, batch, timeoutMs }: LookupStep,
  resources: StepResources,
): Promise<LookupSource> {
  const { clock, telemetry, broker, records } = resources;
  switch (source.kind) {
    case 'http':
      return new HttpLookup(source.url, batch);
    case 'mongodb':
      if (!records.isConfigured) throw new LookupDatabaseMissingError(`mongodb:${source.collection}`);
      return new MongodbLookup({ ...source, batch, timeoutMs }, records);
    case 'topic':
      return new TopicLookup({ pipeline: resources.pipeline, topic: source.topic, broker, clock, telemetry });
    case 'file': {
      const { path, key } = source;
      const wanted = `rows by ${key}`;
      const read = (bytes: Buffer): ReturnType<typeof readRows> => readRows(path, key, bytes);
      return new FileLookup(path, await ReloadedFile.open({ path, wanted, clock, telemetry, read }));
    }
    default:
      return source satisfies never;
  }
}
