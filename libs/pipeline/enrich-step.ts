import type { FieldKind } from '#libs/schema';

/**
 * One step of enrich with its options, checked: every field it reads is there. Steps run in the order of the
 * file; {@link fieldsAddedBy} says what each leaves in the event's data.
 */
export type EnrichStep =
  /** Reads a user agent: `browser`, `os`, `device`, `isBot`. */
  | { readonly kind: 'userAgent'; readonly from: string }
  /** Reads `path`: `route`, `isAsset`, `isPageView`. */
  | { readonly kind: 'classify' }
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
  | { readonly kind: 'mask'; readonly fields: readonly string[] };

const USER_AGENT_FIELDS = { browser: 'string', os: 'string', device: 'string', isBot: 'boolean' } as const;
const CLASSIFY_FIELDS = { route: 'string', isAsset: 'boolean', isPageView: 'boolean' } as const;

/** The fields that a step adds to the event's data. A value may be absent where the step had nothing to read. */
export function fieldsAddedBy(step: EnrichStep): Readonly<Record<string, FieldKind>> {
  switch (step.kind) {
    case 'userAgent':
      return USER_AGENT_FIELDS;
    case 'classify':
      return CLASSIFY_FIELDS;
    case 'visitor':
      return { visitor: 'string' };
    case 'mask':
      return {};
    default:
      return step satisfies never;
  }
}
