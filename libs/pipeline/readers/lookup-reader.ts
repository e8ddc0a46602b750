import type { FieldKind } from '#libs/schema';
import { LOOKUP_POLICIES, type LookupPolicy, type LookupSource, type LookupStep } from '../enrich-step.js';
import type { ProblemLog } from '../settings/problem-log.js';
import type { Setting } from '../settings/setting.js';
import {
  choiceReader,
  durationReader,
  type MapReader,
  numberReader,
  type Reader,
  textReader,
} from '../settings/setting-reader.js';
import { fieldReader } from './scope-reader.js';
import { isFieldName, newFieldReader, pathReader, type StepKind } from './step-kind.js';

const OPTIONS = [
  ...[
    'from',
    'source',
    'key',
    'select',
    'cache',
    'cacheSize',
    'staleFor',
    'timeout',
    'batch',
    'onMiss',
    'onError',
  ],
];
const DEFAULT = { cacheMs: 600_000, staleMs: 3_600_000, cacheSize: 10_000, timeoutMs: 250, batch: 100 };
const MAX_CACHE_SIZE = 1_000_000;
const MAX_BATCH = 1_000;
/** An event waits for it, and every event behind it. */
const MAX_TIMEOUT_MS = 10_000;
const KINDS = ['string', 'number', 'boolean'] as const;

export const LOOKUP_STEP: StepKind = {
  options: OPTIONS,
  isRepeatable: true,
  read: (options, scope, log) => {
    const from = options.required('from', fieldReader(scope, ['string', 'number']));
    const source = options.required('source', sourceReader(options));
    const select = options.required('select', readSelect);
    // Before anything stops here: everything that is wrong is said at once.
    const limits = readLimits(options, source?.kind);
    if (from === undefined || source === undefined || select === undefined) return undefined;
    return refuseKeyOf(source, options, log)
      ? undefined
      : { kind: 'lookup', from, source, select, ...limits };
  },
};

function readLimits(
  options: MapReader,
  kind: LookupSource['kind'] | undefined,
): Omit<LookupStep, 'kind' | 'from' | 'source' | 'select'> {
  // Rows that are all there already do not grow old one by one: as a rule the last ones are better than none.
  const holdsRows = kind === 'file' || kind === 'topic';
  return {
    cacheMs: options.optional('cache', durationReader(1), DEFAULT.cacheMs),
    cacheSize: options.optional('cacheSize', wholeUpTo(MAX_CACHE_SIZE), DEFAULT.cacheSize),
    staleMs: options.optional('staleFor', durationReader(0), holdsRows ? Infinity : DEFAULT.staleMs),
    timeoutMs: options.optional('timeout', readTimeout, DEFAULT.timeoutMs),
    batch: options.optional('batch', wholeUpTo(MAX_BATCH), DEFAULT.batch),
    onMiss: options.optional('onMiss', readPolicy, 'null'),
    onError: options.optional('onError', readPolicy, 'stale'),
  };
}

function wholeUpTo(most: number): Reader<number> {
  return numberReader(
    `a whole number from 1 to ${most}`,
    (value) => Number.isInteger(value) && value >= 1 && value <= most,
  );
}

const readTimeout: Reader<number> = (setting, log) => {
  const timeoutMs = durationReader(1)(setting, log);
  if (timeoutMs === undefined || timeoutMs <= MAX_TIMEOUT_MS) return timeoutMs;
  return log.refuse(setting, `at most ${MAX_TIMEOUT_MS / 1_000}s: so long every event behind it waits`);
};

/** YAML reads a plain null as nothing. */
const readPolicy: Reader<LookupPolicy> = (setting, log) =>
  setting.kind === 'scalar' && setting.value === null ? 'null' : choiceReader(LOOKUP_POLICIES)(setting, log);

function sourceReader(options: MapReader): Reader<LookupSource> {
  const wanted = 'http://…, https://…, mongodb:…, file:… or topic:persistent://…';
  return (setting, log) => {
    const text = textReader(wanted)(setting, log);
    if (text === undefined) return undefined;
    if (/^https?:/i.test(text)) return readAddress(text, setting, log);
    if (text.startsWith('topic:persistent://')) return { kind: 'topic', topic: text.slice('topic:'.length) };
    if (text.startsWith('mongodb:'))
      return readCollection(text.slice('mongodb:'.length), setting, options, log);
    if (!text.startsWith('file:') || setting.kind !== 'scalar') return log.refuse(setting, wanted);
    const path = pathReader({ ...setting, value: text.slice('file:'.length) }, log);
    if (path === undefined) return undefined;
    if (!/\.(csv|json|ndjson)$/i.test(path))
      return log.refuse(setting, 'a file named .csv, .json or .ndjson');
    return { kind: 'file', path, key: options.optional('key', textReader('the name of a column'), 'id') };
  };
}

/** The key takes its place in the path or the query: which server is asked must not depend on an event. */
function readAddress(url: string, setting: Setting, log: ProblemLog): LookupSource | undefined {
  const isWhole = /^https?:\/\/[^\s/?#]+(?:[/?#]\S*)?$/i.test(url) && URL.canParse(url) && canDecode(url);
  const server = /^https?:\/\/[^/?#]*/i.exec(url)?.[0] ?? '';
  return isWhole && !server.includes('{')
    ? { kind: 'http', url }
    : log.refuse(setting, 'a whole address, as in https://host/accounts or https://host/accounts/{key}');
}

function canDecode(text: string): boolean {
  try {
    return decodeURIComponent(text) !== '';
  } catch {
    return false;
  }
}

/** What MongoDB takes for a name, less what is its own. */
const COLLECTION = /^(?!system\.)[^$\0\s]{1,200}$/;

function readCollection(
  name: string,
  setting: Setting,
  options: MapReader,
  log: ProblemLog,
): LookupSource | undefined {
  if (!COLLECTION.test(name) || name.startsWith('//'))
    return log.refuse(
      setting,
      'mongodb: and the name of a collection; its server is MILLRACE_LOOKUP_MONGODB',
    );
  return {
    kind: 'mongodb',
    collection: name,
    key: options.optional('key', textReader('the name of a field'), '_id'),
  };
}

function refuseKeyOf(source: LookupSource, options: MapReader, log: ProblemLog): boolean {
  const key = options.member('key');
  if (key === undefined || source.kind === 'file' || source.kind === 'mongodb') return false;
  log.refuse(key, 'no key: only the rows of a file and the records of a collection are known by one');
  return true;
}

/** `[plan]`, `[{plan: accountPlan}]` or `{plan: string, credit: number}`. */
const readSelect: Reader<LookupStep['select']> = (setting, log) => {
  if (setting.kind === 'map' && setting.entries.size > 0)
    return selectOf(setting.entries, (value, name) => kindOf(name, value, log));
  if (setting.kind !== 'list' || setting.items.length === 0)
    return log.refuse(
      setting,
      'a list of fields of the answer, or a map from those to string, number or boolean',
    );
  return setting.items.flatMap((item) => {
    if (item.kind === 'map')
      return selectOf(item.entries, (value, name) => {
        const as = newFieldReader(value, log);
        return as === undefined ? undefined : { name, as, kind: 'string' };
      });
    const name = newFieldReader(item, log);
    return name === undefined ? [] : [{ name, as: name, kind: 'string' as const }];
  });
};

type Selected = { readonly name: string; readonly as: string; readonly kind: FieldKind };

function selectOf(
  entries: ReadonlyMap<string, { readonly value: Setting }>,
  read: (value: Setting, name: string) => Selected | undefined,
): readonly Selected[] {
  return [...entries].flatMap(([name, { value }]) => read(value, name) ?? []);
}

function kindOf(name: string, value: Setting, log: ProblemLog): Selected | undefined {
  const kind = choiceReader(KINDS)(value, log);
  return isFieldName(name, value, log) && kind !== undefined ? { name, as: name, kind } : undefined;
}
