import type { EnrichStep } from '#libs/pipeline';
import type { EventData, Step } from './step.js';

type Of<Kind extends EnrichStep['kind']> = Extract<EnrichStep, { readonly kind: Kind }>;

/** Fields get other names, all at once: two may change places. */
export function renameStep({ names }: Of<'rename'>): Step {
  return (data: EventData): undefined => {
    const values = names.map(({ from }) => data[from]);
    for (const { from } of names) delete data[from];
    for (const [index, { to }] of names.entries()) if (values[index] !== undefined) data[to] = values[index];
  };
}

export function dropStep({ fields }: Of<'drop'>): Step {
  return (data: EventData): undefined => {
    for (const field of fields) delete data[field];
  };
}

/** Each expression sees the data as it was before the step. What has no value is absent. */
export function deriveStep({ fields }: Of<'derive'>): Step {
  return (data: EventData): undefined => {
    const values = fields.map(({ evaluate }) => evaluate(data));
    for (const [index, { name }] of fields.entries()) {
      const value = values[index];
      if (isKept(value)) data[name] = value;
      else delete data[name];
    }
  };
}

/** A division by zero is no number that JSON has. */
function isKept(value: unknown): boolean {
  return typeof value === 'number' ? Number.isFinite(value) : value !== undefined;
}

export function filterStep({ where }: Of<'filter'>): Step {
  return (data: EventData) => (where(data) ? undefined : 'filtered');
}
