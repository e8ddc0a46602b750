import type { JsonValue, StreamEvent } from '#libs/kernel';
import type { Aggregator, Fields } from './aggregator.js';
import { CustomStateTooLargeError } from './custom-state.errors.js';

/** Holds the state, so that functions which give a new one can be used where states are changed in place. */
export interface CustomState<S> {
  current: S;
}

/**
 * The parts of a {@link custom} aggregator. They must be pure: the same arguments, the same answer, now and after a
 * restart; they may change and give back the first argument. What they throw stops the task.
 */
export interface CustomFunctions<S, R extends JsonValue> {
  /** Its name in errors; default `custom`. */
  readonly name?: string;
  /** The state of no events. */
  zero(): S;
  /** @param value what the measure looks at; any JSON, undefined where it is missing */
  add(state: S, value: unknown, event: StreamEvent<Fields>): S;
  /** Must give what one state of all events would, in any order and split. */
  merge(a: S, b: S): S;
  result(state: S): R;
  /** Most characters of the encoded state as JSON: 1 to 262,144, default 65,536. */
  readonly maxEncodedChars?: number;
}

export interface CustomCodec<S> {
  encode(state: S): JsonValue;
  decode(json: JsonValue): S;
}

const DEFAULT_MAX_ENCODED_CHARS = 65_536;
const MOST_ENCODED_CHARS = 262_144;

/**
 * An aggregator of one's own. `encode` and `decode` may be left out where the state is JSON already. Numbers that JSON
 * does not have (NaN, ∞) become `null` in encoded states and in results.
 *
 * @throws RangeError for a `maxEncodedChars` outside its bounds
 * @throws CustomStateTooLargeError (when a state is encoded) where it has grown beyond `maxEncodedChars`
 */
export function custom<S extends JsonValue, R extends JsonValue = JsonValue>(
  functions: CustomFunctions<S, R> & Partial<CustomCodec<S>>,
): Aggregator<CustomState<S>, R>;
export function custom<S, R extends JsonValue = JsonValue>(
  functions: CustomFunctions<S, R> & CustomCodec<S>,
): Aggregator<CustomState<S>, R>;
export function custom<S, R extends JsonValue>(
  functions: CustomFunctions<S, R> & Partial<CustomCodec<S>>,
): Aggregator<CustomState<S>, R> {
  const { name = 'custom', maxEncodedChars = DEFAULT_MAX_ENCODED_CHARS } = functions;
  if (!Number.isInteger(maxEncodedChars) || maxEncodedChars < 1 || maxEncodedChars > MOST_ENCODED_CHARS) {
    throw new RangeError(
      `a state may have 1 to ${MOST_ENCODED_CHARS} characters encoded, not ${maxEncodedChars}`,
    );
  }
  return {
    name,
    create: () => ({ current: functions.zero() }),
    add: (state, value, event) => {
      state.current = functions.add(state.current, value, event);
    },
    merge: (into, other) => {
      into.current = functions.merge(into.current, other.current);
    },
    encode: ({ current }) => {
      const encoded = functions.encode === undefined ? (current as JsonValue) : functions.encode(current);
      const text = jsonText(encoded);
      if (text.length > maxEncodedChars)
        throw new CustomStateTooLargeError(name, text.length, maxEncodedChars);
      // Through its text: later changes of the state do not show, and nothing is left that JSON does not have.
      return JSON.parse(text) as JsonValue;
    },
    decode: (json) => ({ current: functions.decode === undefined ? (json as S) : functions.decode(json) }),
    result: ({ current }) => JSON.parse(jsonText(functions.result(current))) as R,
  };
}

function jsonText(json: JsonValue): string {
  // A function of JavaScript may give undefined all the same, which has no text.
  return (JSON.stringify(json) as string | undefined) ?? 'null';
}
