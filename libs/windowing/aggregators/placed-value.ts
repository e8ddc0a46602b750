import { type JsonScalar, type JsonValue, type StreamEvent } from '#libs/kernel';
import type { Fields } from './aggregator.js';
import { scalarOf, shortText } from './scalar.js';

/** A value and the place of its event in the order of event time, then event id. As it is encoded. */
export type PlacedValue = readonly [timeMs: number, id: string, value: JsonScalar];

/** What ingest takes; ids of foreign producers may be longer, and are cut. */
const MAX_ID_CHARS = 512;

/** Undefined for a value that is skipped: see {@link scalarOf}. */
export function placedValueOf(value: unknown, event: StreamEvent<Fields>): PlacedValue | undefined {
  const scalar = scalarOf(value);
  // Cut before it is compared: so the order is the same wherever values meet.
  return scalar === undefined ? undefined : [event.timeMs, shortText(event.id, MAX_ID_CHARS), scalar];
}

/** Below 0: `a` comes first. Ids compare by UTF-16 units. */
export function comparePlaces(a: PlacedValue, b: PlacedValue): number {
  return a[0] - b[0] || compareTexts(a[1], b[1]) || compareTexts(JSON.stringify(a[2]), JSON.stringify(b[2]));
}

function compareTexts(a: string, b: string): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}

/** Undefined for what {@link PlacedValue} does not describe. */
export function readPlacedValue(json: JsonValue): PlacedValue | undefined {
  if (!Array.isArray(json)) return undefined;
  const [timeMs, id, value] = json as readonly JsonValue[];
  const scalar = scalarOf(value);
  if (typeof timeMs !== 'number' || typeof id !== 'string' || scalar === undefined) return undefined;
  return [timeMs, id, scalar];
}
