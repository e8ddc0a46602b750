import { type EnrichStep, fieldsAddedBy } from '../enrich-step.js';
import type { NameKind, Scope } from '../expression/expression.js';
import type { ProblemLog } from '../settings/problem-log.js';
import { fieldReader } from './scope-reader.js';
import type { Setting } from '../settings/setting.js';
import {
  distinctReader,
  durationReader,
  listReader,
  MapReader,
  type Reader,
} from '../settings/setting-reader.js';

/** How one kind of step reads its options. A new step is one more entry here and in `EnrichStep`. */
interface StepKind {
  readonly options: readonly string[];
  read(options: MapReader, scope: Scope, log: ProblemLog): EnrichStep | undefined;
}

const DAY_MS = 86_400_000;
const USER_AGENT_FIELD = 'userAgent';
const PATH_FIELD = 'path';

const STEPS: Readonly<Record<string, StepKind>> = {
  userAgent: {
    options: ['from'],
    read: (options, scope, log) => {
      const from = options.optional('from', fieldReader(scope, ['string']), USER_AGENT_FIELD);
      return hasField(from, options, { scope, log }) ? { kind: 'userAgent', from } : undefined;
    },
  },
  classify: {
    options: [],
    read: (options, scope, log) =>
      hasField(PATH_FIELD, options, { scope, log }) ? { kind: 'classify' } : undefined,
  },
  visitor: {
    options: ['from', 'rotateSalt'],
    read: (options, scope) => {
      const from = options.required(
        'from',
        listReader(alternativeReader(scope), 'a list of fields, joined by + where all are needed', 1),
      );
      const rotateSaltMs = options.optional('rotateSalt', durationReader(1), DAY_MS);
      return from && { kind: 'visitor', from, rotateSaltMs };
    },
  },
  mask: {
    options: ['fields'],
    read: (options, scope) => {
      const field = distinctReader(fieldReader(scope, ['string']), (name) => name);
      const fields = options.required('fields', listReader(field, 'a list of fields', 1));
      return fields && { kind: 'mask', fields };
    },
  },
};

/** Named so that people who know them are told, not puzzled. */
const LATER_STEPS = ['geo', 'lookup'];

export interface Enrichment {
  readonly steps: readonly EnrichStep[];
  /** The fields of an event after all steps. */
  readonly scope: Scope;
}

/** The steps in order, each checked against the fields that those before it leave. */
export function readEnrichment(setting: Setting | undefined, fields: Scope, log: ProblemLog): Enrichment {
  const scope = new Map<string, NameKind>(fields);
  if (setting === undefined) return { steps: [], scope };
  const seen = new Set<string>();
  const steps = listReader((each, problems) => {
    const step = readStep(each, scope, problems);
    if (step === undefined) return undefined;
    if (seen.has(step.kind)) return problems.refuse(each, `${step.kind} only once`);
    seen.add(step.kind);
    for (const [name, kind] of Object.entries(fieldsAddedBy(step))) scope.set(name, kind);
    return step;
  }, 'a list of steps')(setting, log);
  return { steps: steps ?? [], scope };
}

function readStep(setting: Setting, scope: Scope, log: ProblemLog): EnrichStep | undefined {
  const step = MapReader.of(setting, log, Object.keys(STEPS), LATER_STEPS);
  const [name, ...others] = step === undefined ? [] : step.setting.entries.keys();
  const kind = name !== undefined && Object.hasOwn(STEPS, name) ? STEPS[name] : undefined;
  const options = step?.member(name ?? '');
  if (kind === undefined || options === undefined) return undefined;
  if (others.length > 0)
    return log.refuse(setting, `one step an item; ${others.join(', ')} in items of their own`);
  const map = MapReader.of(options, log, kind.options);
  return map && kind.read(map, scope, log);
}

/** For what a step reads without being told. */
function hasField(
  name: string,
  options: MapReader,
  { scope, log }: { scope: Scope; log: ProblemLog },
): boolean {
  if (scope.get(name) === 'string') return true;
  log.report(options.setting.place, options.setting.path, {
    found: `events without the text field ${name}`,
    wanted: 'events that have it',
  });
  return false;
}

/** `clientIp+userAgent` */
function alternativeReader(scope: Scope): Reader<readonly string[]> {
  const one = fieldReader(scope);
  return (setting, log) => {
    if (setting.kind !== 'scalar') return log.refuse(setting, 'fields joined by +');
    const names = String(setting.value)
      .split('+')
      .map((name) => name.trim());
    const known = names.map((value) => one({ ...setting, value }, log)).filter((name) => name !== undefined);
    return known.length === names.length ? known : undefined;
  };
}
