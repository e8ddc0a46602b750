import type { FieldKind } from '#libs/schema';
import type { Evaluate } from './expression/expression.js';
import type { Place } from './settings/setting.js';

/** How a value is made unreadable: see the step `mask`. */
export const MASK_WAYS = ['truncate', 'hash', 'drop'] as const;
export type MaskWay = (typeof MASK_WAYS)[number];

/** What becomes of an event whose look-up brought nothing: the fields stay absent, an older answer serves, or it is a dead letter. */
export const LOOKUP_POLICIES = ['null', 'stale', 'dead'] as const;
export type LookupPolicy = (typeof LOOKUP_POLICIES)[number];

/** Where a look-up asks. */
export type LookupSource =
  | { readonly kind: 'http'; readonly url: string }
  /** A file of CSV or JSON by its path; the rows' key is the field `key`. */
  | { readonly kind: 'file'; readonly path: string; readonly key: string }
  /** A collection of a MongoDB; its records are known by the field `key`. */
  | { readonly kind: 'mongodb'; readonly collection: string; readonly key: string }
  /** A compacted topic by its full name: the newest message of each key, a JSON object. */
  | { readonly kind: 'topic'; readonly topic: string };

export interface LookupStep {
  readonly kind: 'lookup';
  readonly from: string;
  readonly source: LookupSource;
  /** Field of the answer → field of the event and its kind. */
  readonly select: readonly { readonly name: string; readonly as: string; readonly kind: FieldKind }[];
  /** How long an answer serves, > 0. */
  readonly cacheMs: number;
  /** How long beyond that it may serve when there is no other, ≥ 0. */
  readonly staleMs: number;
  /** The most answers kept, ≥ 1. */
  readonly cacheSize: number;
  /** How long one request may take, > 0: so much it costs its neighbours at most. */
  readonly timeoutMs: number;
  /** The most keys of one request, ≥ 1. */
  readonly batch: number;
  /** The source has no such key. */
  readonly onMiss: LookupPolicy;
  /** The source did not answer, or not in time, or wrongly. */
  readonly onError: LookupPolicy;
}

/** A step of the user's own: a compiled module by its path. */
export interface OwnStep {
  readonly kind: 'use';
  readonly path: string;
  readonly adds: Readonly<Record<string, FieldKind>>;
  readonly options: unknown;
  /** How long its promise may take, > 0: so much it costs its neighbours at most. */
  readonly timeoutMs: number;
  /** Every field that is known behind it, and its kind. */
  readonly kinds: ReadonlyMap<string, FieldKind>;
  /** Where the pipeline file names it. */
  readonly place: Place & { readonly path: string };
}

/**
 * One step of enrich with its options, checked: every field it reads is there. Steps run in the order of the
 * file; {@link fieldsAddedBy} says what each leaves in the event's data, {@link fieldsRemovedBy} what it takes.
 */
export type EnrichStep =
  /** Reads a user agent: `browser`, `os`, `device`, `isBot`. */
  | { readonly kind: 'userAgent'; readonly from: string }
  /** Reads an address: fields of a database, by default `country` from the one that is shipped. */
  | {
      readonly kind: 'geo';
      readonly from: string;
      /** Path of another `.mmdb`; undefined: the shipped one. */
      readonly database: string | undefined;
      /** Field of the event → path in the record, `city.names.en`. */
      readonly select: readonly {
        readonly as: string;
        readonly path: readonly string[];
        readonly kind: FieldKind;
      }[];
    }
  /** Reads `path`: `route`, `isAsset`, `isPageView`. */
  | { readonly kind: 'classify' }
  /** Reads a path: `route`, by rules, then by what looks like an identifier, then by what has too many values. */
  | {
      readonly kind: 'route';
      readonly from: string;
      /** `/p/:id`; a last `*` stands for whatever follows. The first that fits. */
      readonly rules: readonly string[];
      /** The most values of one place in a path before they become `:id`. */
      readonly maxValues: number;
      /** The most routes; further ones are `:other`. */
      readonly maxRoutes: number;
    }
  /**
   * Makes `visitor`, a salted hash of the first alternative of which every field is present. `[['userId'],
   * ['clientIp', 'userAgent']]` is written `[userId, clientIp+userAgent]`.
   */
  | {
      readonly kind: 'visitor';
      readonly from: readonly (readonly string[])[];
      /** A new salt every so many milliseconds; > 0. */
      readonly rotateSaltMs: number;
    }
  /** Makes the values of these fields unreadable, after the steps before it have used them. */
  | {
      readonly kind: 'mask';
      readonly fields: readonly string[];
      readonly way: MaskWay;
      /** How much of an address `truncate` leaves. */
      readonly ipv4Bits: number;
      readonly ipv6Bits: number;
    }
  | { readonly kind: 'rename'; readonly names: readonly { readonly from: string; readonly to: string }[] }
  | { readonly kind: 'drop'; readonly fields: readonly string[] }
  /** Computes fields. */
  | {
      readonly kind: 'derive';
      readonly fields: readonly {
        readonly name: string;
        readonly kind: FieldKind;
        readonly evaluate: Evaluate;
      }[];
    }
  /** Keeps the events for which it is true; the others end here as `filtered`. */
  | { readonly kind: 'filter'; readonly where: (data: Readonly<Record<string, unknown>>) => boolean }
  | LookupStep
  | OwnStep;

type Fields = Readonly<Record<string, FieldKind>>;
type AddedBy = {
  readonly [Kind in EnrichStep['kind']]: (step: Extract<EnrichStep, { readonly kind: Kind }>) => Fields;
};

const selected = (step: {
  readonly select: readonly { readonly as: string; readonly kind: FieldKind }[];
}): Fields => Object.fromEntries(step.select.map(({ as, kind }) => [as, kind]));
const nothing = (): Fields => ({});

const ADDED_BY: AddedBy = {
  userAgent: () => ({ browser: 'string', os: 'string', device: 'string', isBot: 'boolean' }),
  geo: selected,
  classify: () => ({ route: 'string', isAsset: 'boolean', isPageView: 'boolean' }),
  route: () => ({ route: 'string' }),
  visitor: () => ({ visitor: 'string' }),
  lookup: selected,
  derive: ({ fields }) => Object.fromEntries(fields.map(({ name, kind }) => [name, kind])),
  use: ({ adds }) => adds,
  mask: nothing,
  rename: nothing,
  drop: nothing,
  filter: nothing,
};

/**
 * The fields that a step adds to the event's data, renamed ones left out. A value may be absent where the step had nothing
 * to read.
 */
export function fieldsAddedBy(step: EnrichStep): Fields {
  return (ADDED_BY[step.kind] as (step: EnrichStep) => Fields)(step);
}

/** The fields that no event has behind a step, renamed ones left out. */
export function fieldsRemovedBy(step: EnrichStep): readonly string[] {
  if (step.kind === 'drop') return step.fields;
  return step.kind === 'mask' && step.way === 'drop' ? step.fields : [];
}
