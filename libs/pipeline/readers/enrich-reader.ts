import { type EnrichStep, fieldsAddedBy, fieldsRemovedBy } from '../enrich-step.js';
import type { NameKind, Scope } from '../expression/expression.js';
import type { ProblemLog } from '../settings/problem-log.js';
import type { Setting } from '../settings/setting.js';
import { listReader, MapReader } from '../settings/setting-reader.js';
import { FIELD_STEPS } from './field-steps-reader.js';
import { LOOKUP_STEP } from './lookup-reader.js';
import type { StepKind } from './step-kind.js';
import { VISIT_STEPS } from './visit-steps-reader.js';

/** A new step is one more entry in one of these, and in `EnrichStep`. */
const STEPS: Readonly<Record<string, StepKind>> = { ...VISIT_STEPS, ...FIELD_STEPS, lookup: LOOKUP_STEP };

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
    if (STEPS[step.kind]?.isRepeatable !== true) seen.add(step.kind);
    change(scope, step);
    return step;
  }, 'a list of steps')(setting, log);
  return { steps: steps ?? [], scope };
}

function change(scope: Map<string, NameKind>, step: EnrichStep): void {
  if (step.kind === 'rename') {
    const kinds = step.names.map(({ from, to }) => [to, scope.get(from)] as const);
    for (const { from } of step.names) scope.delete(from);
    for (const [to, kind] of kinds) if (kind !== undefined) scope.set(to, kind);
  }
  for (const name of fieldsRemovedBy(step)) scope.delete(name);
  for (const [name, kind] of Object.entries(fieldsAddedBy(step))) scope.set(name, kind);
}

function readStep(setting: Setting, scope: Scope, log: ProblemLog): EnrichStep | undefined {
  // A step of the user's own has its options beside its name.
  if (setting.kind === 'map' && setting.entries.has('use'))
    return readOptions('use', setting, { scope, log });
  const step = MapReader.of(setting, log, Object.keys(STEPS));
  const [name = '', ...others] = step?.setting.entries.keys() ?? [];
  const options = step?.member(name);
  if (options === undefined || !Object.hasOwn(STEPS, name)) return undefined;
  if (others.length > 0)
    return log.refuse(setting, `one step an item; ${others.join(', ')} in items of their own`);
  return readOptions(name, options, { scope, log });
}

function readOptions(
  name: string,
  options: Setting,
  { scope, log }: { readonly scope: Scope; readonly log: ProblemLog },
): EnrichStep | undefined {
  const kind = STEPS[name];
  if (kind?.options !== undefined) {
    const map = MapReader.of(options, log, kind.options);
    return map && kind.read(map, scope, log);
  }
  const isMap = options.kind === 'map' && options.entries.size > 0;
  return isMap
    ? kind?.read(new MapReader(options, log), scope, log)
    : log.refuse(options, kind?.wanted ?? 'a map');
}
