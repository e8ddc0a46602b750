import { isJsonObject } from '#libs/kernel';
import type { IncomingEvent, PayloadFormat } from './incoming-event.js';

/** What a handler wants of a topic. */
export interface Interest {
  /** `web.checkouts`, or the full name; or a noun of the pipeline: `.alerts`. */
  readonly topic: string;
  /** For topics that are nouns. Default: the transport's. */
  readonly pipeline?: string;
  readonly format: PayloadFormat;
  /** The `ce_type` that it takes. Absent: every one. */
  readonly type?: string;
  /** Of those, the ones whose data have one of these values in a field. Others are of no concern. */
  readonly select?: Readonly<Record<string, readonly string[]>>;
}

/**
 * `wanted`: it is handled. `unselected`: the handler is for its kind, and has said that it does not want this one.
 * `other-type`: the handler is not for it at all.
 */
export type Match = 'wanted' | 'unselected' | 'other-type';

export function matchOf({ type, select = {} }: Interest, event: IncomingEvent): Match {
  if (type !== undefined && type !== event.attributes.type) return 'other-type';
  const { data } = event;
  const isSelected = Object.entries(select).every(
    ([field, values]) => isJsonObject(data) && values.includes(String(data[field])),
  );
  return isSelected ? 'wanted' : 'unselected';
}
