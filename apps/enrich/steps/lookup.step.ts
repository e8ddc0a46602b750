import type { LookupPolicy, LookupStep } from '#libs/pipeline';
import { LookupFailedError, LookupMissedError } from '../enrich.errors.js';
import type { LookupRecord } from '../lookups/lookup-source.js';
import type { LookupAnswer, LookupTable } from '../lookups/lookup-table.js';
import type { EventData, Step } from './step.js';

type Selected = LookupStep['select'];

/** Adds fields of what a source knows of a field's value; what was answered stays with the event. */
export function lookupStep(options: LookupStep, source: string, table: LookupTable): Step {
  const { from, select, onMiss, onError } = options;
  const take = (data: EventData, key: string, answer: LookupAnswer): undefined => {
    const record = recordOf(answer, { onMiss, onError, source, key });
    for (const field of select) setField(data, field, record?.[field.name]);
  };
  return (data) => {
    const value = data[from];
    if ((typeof value !== 'string' && typeof value !== 'number') || value === '') return undefined;
    const key = String(value);
    const answer = table.ask(key);
    return answer instanceof Promise
      ? answer.then((later) => take(data, key, later))
      : take(data, key, answer);
  };
}

interface Policies {
  readonly onMiss: LookupPolicy;
  readonly onError: LookupPolicy;
  readonly source: string;
  readonly key: string;
}

/** @throws LookupMissedError, LookupFailedError */
function recordOf(
  answer: LookupAnswer,
  { onMiss, onError, source, key }: Policies,
): LookupRecord | undefined {
  switch (answer.kind) {
    case 'found':
      return answer.record;
    case 'missing':
      if (onMiss === 'dead') throw new LookupMissedError(source, key);
      return onMiss === 'stale' ? answer.stale : undefined;
    case 'failed':
      if (onError === 'dead') throw new LookupFailedError(source, answer.error);
      return onError === 'stale' && answer.stale !== 'none' ? answer.stale : undefined;
    default:
      return answer satisfies never;
  }
}

/** A value of another kind than the file says is none: expressions behind have been checked against it. */
function setField(data: EventData, { as, kind }: Selected[number], value: unknown): void {
  const converted = convert(value, kind);
  if (converted === undefined) delete data[as];
  else data[as] = converted;
}

function convert(value: unknown, kind: Selected[number]['kind']): unknown {
  if (typeof value === kind) return value;
  if (value === null || value === undefined || typeof value === 'object') return undefined;
  // A file of CSV has texts only.
  return fromText(String(value as string | number | boolean).trim(), kind);
}

function fromText(text: string, kind: Selected[number]['kind']): unknown {
  switch (kind) {
    case 'string':
      return text;
    case 'number':
      return text !== '' && Number.isFinite(Number(text)) ? Number(text) : undefined;
    case 'boolean':
      return text === 'true' ? true : text === 'false' ? false : undefined;
    case 'object':
      return undefined;
    default:
      return kind satisfies never;
  }
}
