/** A type as Avro writes it, as far as it is used here. */
export type AvroType =
  | 'null'
  | 'boolean'
  | 'int'
  | 'long'
  | 'double'
  | 'string'
  | readonly AvroType[]
  | { readonly type: 'array'; readonly items: AvroType }
  | { readonly type: 'map'; readonly values: AvroType }
  | AvroRecord;

export interface AvroField {
  readonly name: string;
  readonly type: AvroType;
  readonly default?: null;
  readonly doc?: string;
}

export interface AvroRecord {
  readonly type: 'record';
  readonly name: string;
  readonly namespace?: string;
  readonly fields: readonly AvroField[];
}

/** The topics that anybody may read. */
export type PublicNoun = 'results' | 'late' | 'dead' | 'alerts' | 'notifications';

const SCALAR: AvroType = ['null', 'string', 'double', 'boolean'];
const TEXTS: AvroType = { type: 'map', values: SCALAR };
const NUMBERS: AvroType = { type: 'map', values: 'double' };
/** What an aggregator gives: a number, for most; lists of values with counts, or of bounds with counts, for some. */
const MEASURES: AvroType = {
  type: 'map',
  values: ['null', 'double', 'string', 'boolean', { type: 'array', items: [...SCALAR, TEXTS] }, TEXTS],
};

// Each field may be absent: that is what lets a reader of one version read messages of the other, both ways. What is
// always there today is said in docs/wire-format.md.
function record(name: string, fields: Readonly<Record<string, AvroType>>): AvroRecord {
  return {
    type: 'record',
    name,
    namespace: 'com.millrace.v1',
    fields: Object.entries(fields).map(([field, type]) => ({
      name: field,
      type: ['null', type],
      default: null,
    })),
  };
}

const EVENT = record('Event', {
  id: 'string',
  stream: 'string',
  timeMs: 'long',
  receivedMs: 'long',
  key: 'string',
  type: 'string',
  data: TEXTS,
});

const WINDOW = record('Window', { startMs: 'long', endMs: 'long' });

const CONDITION = record('Condition', {
  kind: 'string',
  series: 'string',
  value: 'string',
  above: 'double',
  below: 'double',
  clear: 'double',
});

const ALERT = {
  fingerprint: 'string',
  episode: 'string',
  sequence: 'long',
  pipeline: 'string',
  rule: 'string',
  severity: 'string',
  summary: 'string',
  labels: TEXTS,
  from: 'string',
  status: 'string',
  reason: 'string',
  since: 'string',
  startedAt: 'string',
  firedAt: 'string',
  resolvedAt: 'string',
  value: 'double',
  parts: NUMBERS,
  condition: CONDITION,
  annotations: TEXTS,
  flapping: 'boolean',
  historical: 'boolean',
} as const;

/** What the messages of each public topic are, as Pulsar's registry takes it: JSON, described by an Avro record. */
export const PUBLIC_SCHEMAS: Readonly<Record<PublicNoun, AvroRecord>> = {
  results: record('Result', {
    pipeline: 'string',
    series: 'string',
    stream: 'string',
    key: TEXTS,
    windowStartMs: 'long',
    windowEndMs: 'long',
    measures: MEASURES,
    revision: 'long',
    retracted: 'boolean',
    task: 'long',
  }),
  late: record('Late', {
    reason: 'string',
    byMs: 'long',
    series: 'string',
    window: WINDOW,
    event: EVENT,
  }),
  dead: record('DeadEvent', {
    id: 'string',
    stream: 'string',
    receivedMs: 'long',
    dead: record('Dead', {
      code: 'string',
      reason: 'string',
      stage: 'string',
      isLogLine: 'boolean',
      line: 'long',
      index: 'long',
      path: 'string',
      attempts: 'long',
      original: 'string',
      originalBytes: 'long',
    }),
  }),
  alerts: record('Alert', ALERT),
  notifications: record('Notification', {
    id: 'string',
    pipeline: 'string',
    groupKey: 'string',
    groupLabels: TEXTS,
    status: 'string',
    reason: 'string',
    at: 'string',
    alerts: { type: 'array', items: record('Alert', ALERT) },
    truncatedAlerts: 'long',
  }),
};
