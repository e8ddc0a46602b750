export type FactLevel = 'debug' | 'info' | 'warn' | 'error';

/** How a fact shows in the metrics. Labels name fields of the fact; their values must be few. */
export type FactMetric =
  | {
      readonly type: 'counter';
      readonly name: string;
      readonly help: string;
      readonly labels: readonly string[];
    }
  | {
      readonly type: 'gauge';
      readonly name: string;
      readonly help: string;
      readonly labels: readonly string[];
    }
  | {
      readonly type: 'histogram';
      readonly name: string;
      readonly help: string;
      readonly labels: readonly string[];
      readonly buckets: readonly number[];
    };

/**
 * Something worth knowing that happens: recorded with one call, it is logged, counted and put on the span.
 * `F` are its fields.
 */
export interface Fact<F extends object> {
  readonly level: FactLevel;
  /** A sentence for the log, without values: those are the fields. Absent: only measured. */
  readonly message?: string;
  readonly metric?: FactMetric;
  /** Only there for the type of the fields. */
  readonly fields?: F;
}

/** A fact that counts. The count is given with each record, default 1. */
export function countedFact<F extends object>(fact: {
  level: FactLevel;
  message?: string;
  counter: string;
  help: string;
  labels: readonly (keyof F & string)[];
}): Fact<F> {
  const { level, message, counter, help, labels } = fact;
  return {
    level,
    ...(message === undefined ? {} : { message }),
    metric: { type: 'counter', name: counter, help, labels },
  };
}

/** A fact that measures durations in seconds. The value is given with each record. */
export function timedFact<F extends object>(fact: {
  level?: FactLevel;
  message?: string;
  histogram: string;
  help: string;
  labels: readonly (keyof F & string)[];
  buckets: readonly number[];
}): Fact<F> {
  const { level = 'debug', message, histogram, help, labels, buckets } = fact;
  return {
    level,
    ...(message === undefined ? {} : { message }),
    metric: { type: 'histogram', name: histogram, help, labels, buckets },
  };
}

/** A fact that is a level at this moment. The value is given with each record. */
export function gaugedFact<F extends object>(fact: {
  gauge: string;
  help: string;
  labels: readonly (keyof F & string)[];
}): Fact<F> {
  return {
    level: 'debug',
    metric: { type: 'gauge', name: fact.gauge, help: fact.help, labels: fact.labels },
  };
}

/** A fact that is only logged. */
export function loggedFact<F extends object>(level: FactLevel, message: string): Fact<F> {
  return { level, message };
}
