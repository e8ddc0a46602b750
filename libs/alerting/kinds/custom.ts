import type { JsonObject, JsonScalar } from '#libs/kernel';
import type { ConditionBase, Past, Reading } from './condition.js';

/** What a rule of one's own is shown of a complete row. */
export interface CustomSample {
  readonly stream: string;
  readonly key: Readonly<Record<string, JsonScalar>>;
  readonly windowStartMs: number;
  readonly windowEndMs: number;
  readonly measures: JsonObject;
  /** What it returned as value for the windows before, up to 60. */
  readonly past: Past;
  /** As the rule file gives them. */
  readonly options: JsonObject;
}

/**
 * A kind of rule as a class. Must be a pure function of what it is shown: the same rows have to give the same
 * transitions after a crash.
 */
export abstract class AlertKind {
  /** Undefined: the row says nothing. Throwing is a problem of the rule, not of the row: it counts as nothing, too. */
  abstract judge(sample: CustomSample): Reading | undefined;
}

/** `custom: {series, class, options}`: judged by an {@link AlertKind} of that name. */
export interface CustomCondition extends ConditionBase {
  readonly kind: 'custom';
  readonly className: string;
  readonly options: JsonObject;
}

/** How many earlier values a rule of one's own sees. */
export const CUSTOM_PAST_WINDOWS = 60;

const NAMES = new WeakMap<object, string>();

/** Names a class that extends {@link AlertKind}, for `custom: {class: NAME}`. */
export function AlertKindName(
  name: string,
): <T extends abstract new (...args: never[]) => AlertKind>(target: T) => void {
  return (target) => {
    NAMES.set(target, name);
  };
}

/** The name of a class, or of the class of an instance; undefined: it has none. */
export function alertKindName(kind: object): string | undefined {
  return NAMES.get(kind) ?? NAMES.get(kind.constructor);
}
