// The shapes of what the app sends, for the type checker; see the controllers beside this folder.

export interface Row {
  series: string;
  windowStart: string;
  windowEnd: string;
  stream: string;
  key: Record<string, unknown>;
  measures: Record<string, unknown>;
  revision: number;
  phase: 'provisional' | 'complete' | 'final' | 'retracted';
}

export interface StreamView {
  name: string;
  lastWrite: string | null;
}

export interface Fates {
  counted: number;
  late: number;
  future: number;
  dead: number;
  duplicate: number;
  filtered: number;
  addressed: number;
  deadByCode: Record<string, number>;
}

export interface StreamSummary {
  stream: string;
  fates: Fates;
  watermark: string | null;
  lastWrite: string | null;
}

export interface Task {
  partition: number;
  owner: string;
  state: string;
  waitingFor: string;
  waitingShare: number;
  backlogMessages: number;
  problem?: { code: string; detail: string; atMs: number };
}

export interface Stage {
  stage: string;
  state: string;
  eventsPerSecond: number;
  backlogMessages: number;
  backlogSeconds: number | null;
  busyShare: number;
  waitingFor: string;
  waitingShare: number;
  tasks: Task[];
}

export interface PipelineState {
  stages: Stage[];
  eventsPerSecond: number;
  failedShare: number;
  latency: { p50Ms: number | null; p99Ms: number | null; samples: number };
  streams: StreamView[];
}

export interface SeriesView {
  series: string;
  by: string[];
  window?: { kind: string; gapMs?: number };
  measures: string[];
}

export type Alert = Record<string, unknown> & { fingerprint: string };

export interface Snapshot extends StreamSummary, PipelineState {
  now: string;
  pipeline: string;
  pipelines: string[];
  series: SeriesView[];
  rows: Row[];
  alerts: Alert[];
}

export interface LiveEvents {
  snapshot: Snapshot;
  points: { stream: string; rows: Row[] };
  stages: PipelineState;
  alerts: { alerts: Alert[] };
  fates: StreamSummary;
  heartbeat: { now: string };
}
