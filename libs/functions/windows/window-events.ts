import { isJsonObject, type JsonScalar, murmur3, type StreamEvent } from '#libs/kernel';
import { type Fields, OTHER_KEY, type SeriesDefinition } from '#libs/windowing';
import { asError } from '../functions.errors.js';
import type { Measure } from './measure.js';
import type { AnyWindowFunction, WindowKey } from './window-function.js';

// User code is called once for an event, before the event counts anywhere: an event for which it throws changes nothing.

/** What was taken out of an event; it travels in the place of its data. */
type Taken = Fields & {
  /** The key as JSON; absent where there is none. */
  readonly key?: string;
  /** By measure, in order; {@link SKIPPED}: the measure does not want the event. */
  readonly values: readonly unknown[];
};

/** What a window function makes of an event. */
export type Selection =
  | { readonly kind: 'taken'; readonly event: StreamEvent<Taken> }
  /** `where` says no. */
  | { readonly kind: 'filtered' }
  /** User code has failed. */
  | { readonly kind: 'failed'; readonly error: Error };

const SKIPPED = Symbol('skipped');
const KEY = 'key';
const FILTERED: Selection = { kind: 'filtered' };

const MAX_NAMES = 8;
/** Of all names, and of all values together: the text stays below what a key of the aggregation may have. */
const MAX_NAMES_CHARS = 120;
const MAX_VALUES_CHARS = 320;

/** Takes what the measures look at out of events, and knows the names of their keys. */
export class WindowEvents {
  readonly #measures: readonly Measure<unknown>[];
  /** Of the last key, sorted: the next one most likely has the same. */
  #names: KeyNames = namesOf({});

  constructor(private readonly definition: AnyWindowFunction) {
    this.#measures = Object.values(definition.measures);
  }

  select(event: StreamEvent): Selection {
    const { where, by } = this.definition;
    try {
      if (where !== undefined && !where(event.data, event)) return FILTERED;
      const values = this.#measures.map((measure) => valueOf(measure, event));
      if (by === undefined) return { kind: 'taken', event: { ...event, data: { values } } };
      const key = this.#keyText(by(event.data, event));
      return { kind: 'taken', event: { ...event, data: { key, values } } };
    } catch (error) {
      return { kind: 'failed', error: asError(error) };
    }
  }

  /** The key of what the cap on keys has put together, by the names of this function's keys. */
  otherKeyText(): string {
    return JSON.stringify(Object.fromEntries(this.#names.names.map((name) => [name, OTHER_KEY])));
  }

  /** As JSON, its names sorted. */
  #keyText(key: unknown): string {
    if (!isJsonObject(key))
      throw new TypeError(`by gave ${typeof key}, wanted an object such as { shop: '…' }`);
    if (!hasNames(key, this.#names.names)) this.#names = checkedNames(key);
    const { names, texts } = this.#names;
    const most = Math.floor(MAX_VALUES_CHARS / names.length);
    let text = '';
    for (let place = 0; place < names.length; place++)
      text += texts[place]! + JSON.stringify(scalarOf(names[place]!, key[names[place]!], most));
    return `${text}}`;
  }
}

/** The names of a key, sorted, and what stands before each of its values in the key's text. */
interface KeyNames {
  readonly names: readonly string[];
  readonly texts: readonly string[];
}

function namesOf(key: object): KeyNames {
  const names = Object.keys(key).sort();
  return { names, texts: names.map((name, place) => `${place === 0 ? '{' : ','}${JSON.stringify(name)}:`) };
}

function hasNames(key: object, names: readonly string[]): boolean {
  if (names.length === 0) return false;
  let count = 0;
  for (const name in key) {
    if (!names.includes(name)) return false;
    count++;
  }
  return count === names.length;
}

/** The series of a window function, over events that {@link WindowEvents} has selected. */
export function seriesOf(definition: AnyWindowFunction): SeriesDefinition {
  const { name, window, maxKeys, by, measures } = definition;
  return {
    name,
    window: window.definition,
    allowedLatenessMs: window.allowedLatenessMs,
    by: by === undefined ? [] : [KEY],
    ...(maxKeys === undefined ? {} : { maxKeys }),
    measures: Object.entries(measures).map(([measure, { aggregator }], place) => ({
      name: measure,
      aggregator,
      value: (data) => (data as Taken).values[place],
      where: (data) => (data as Taken).values[place] !== SKIPPED,
    })),
  };
}

/** A key as it travels between the stages: one field, for the names of the others are known to user code alone. */
export function travellingKey(text: string): WindowKey {
  return { [KEY]: text };
}

/** Of a delta: what counts under no key of its own. */
export function isOtherKey(key: WindowKey): boolean {
  return key[KEY] === OTHER_KEY;
}

/** The key as rows show it. */
export function rowKeyOf(key: WindowKey): WindowKey {
  const text = key[KEY];
  return typeof text === 'string' ? (JSON.parse(text) as WindowKey) : {};
}

function valueOf(measure: Measure<unknown>, event: StreamEvent): unknown {
  const { aggregator, where, value, isCustom } = measure;
  if (where !== undefined && !where(event.data, event)) return SKIPPED;
  const found = value?.(event.data, event);
  // Tried on a state of its own: what it throws for this event must not leave other measures counted.
  if (isCustom === true) aggregator.add(aggregator.create(), found, event as StreamEvent<Fields>);
  return found;
}

function checkedNames(key: object): KeyNames {
  const found = namesOf(key);
  const { names } = found;
  if (names.length === 0 || names.length > MAX_NAMES || names.join('').length > MAX_NAMES_CHARS)
    throw new TypeError(
      `by gave ${names.length} names, wanted 1 to ${MAX_NAMES}, together at most ${MAX_NAMES_CHARS} characters`,
    );
  return found;
}

function scalarOf(name: string, value: unknown, most: number): JsonScalar {
  if (value === undefined || value === null) return null;
  if (typeof value === 'boolean') return value;
  if (typeof value === 'number') return Number.isFinite(value) ? value : null;
  if (typeof value === 'string') return shortText(value, most);
  throw new TypeError(`by gave ${typeof value} as '${name}', wanted a text, a number, a boolean or null`);
}

/** A longer text is cut, for keys go into ids and properties of messages; texts that are cut stay apart by their hash. */
function shortText(text: string, most: number): string {
  // Escaped, a character takes at most six.
  if (text.length * 6 + 2 <= most || JSON.stringify(text).length <= most) return text;
  const hash = murmur3(text).toString(16);
  let head = text.slice(0, most - hash.length - 3);
  while (JSON.stringify(head).length > most - hash.length - 1) head = head.slice(0, head.length >> 1);
  return `${head}…${hash}`;
}
