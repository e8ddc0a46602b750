import { ALERT_FACTS } from './alert-facts.js';
import { ENRICH_FACTS } from './enrich-facts.js';
import { INGEST_FACTS } from './ingest-facts.js';
import { countedFact, gaugedFact, loggedFact, timedFact } from './fact.js';
import { FUNCTION_FACTS, type OfTask } from './function-facts.js';
import { TRANSPORT_FACTS } from './transport-facts.js';

// Every fact that Millrace records, and with it every name of a metric, in one place.

interface OfStream {
  readonly pipeline: string;
  readonly stream: string;
}

const LATENCY_BUCKETS_SECONDS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30];

export const FACTS = {
  ...INGEST_FACTS,
  ...ENRICH_FACTS,
  ...TRANSPORT_FACTS,
  ...ALERT_FACTS,
  /** Probes are answered. */
  appListening: loggedFact<{ port: string }>('info', 'app listens'),
  /** It can be used. */
  appReady: loggedFact<{ url: string }>('info', 'app is ready'),
  appAlone: loggedFact<{ settings: readonly string[] }>(
    'warn',
    'no other app shares the log or the store of this one; standalone is all of them in one process',
  ),
  appStopped: loggedFact<object>('info', 'app has stopped'),
  drainTimedOut: loggedFact<{ drainTimeoutMs: number; tasks: readonly string[] }>(
    'error',
    'the end took too long; what is not committed will be done again',
  ),
  serverAwaited: loggedFact<{
    server: string;
    address: string;
    code: string;
    detail: string;
    since: string;
    pauseMs: number;
  }>('warn', 'a server is awaited'),
  // the broker's topics
  topologyApplied: loggedFact<{ topic: string; setting: string; found: string; wanted: string }>(
    'info',
    'topology put right',
  ),
  // the fates of events, counted after the commit that decided them
  eventFate: countedFact<OfStream & { fate: string }>({
    level: 'debug',
    counter: 'millrace_event_fates_total',
    help: 'How events ended; docs/event-fates.md explains each fate',
    labels: ['pipeline', 'stream', 'fate'],
  }),
  // tasks
  taskStarted: loggedFact<
    OfTask & { partition: number; epoch: number; commitSeq: number; redelivered: number }
  >('debug', 'task started'),
  stateWrittenAsBefore: loggedFact<OfTask & { partition: number; written: number; newest: number }>(
    'info',
    'state is stored in a former version and goes on being written in it; MILLRACE_STATE_FORMAT=newest ends that',
  ),
  taskStopped: loggedFact<OfTask & { partition: number; reason: string }>('debug', 'task stopped'),
  taskFailed: countedFact<OfTask & { partition: number; code: string; error: unknown }>({
    level: 'error',
    message: 'task failed; it starts again from its last commit',
    counter: 'millrace_task_failures_total',
    help: 'Tasks that ended with an error, by its code',
    labels: ['pipeline', 'stage', 'code'],
  }),
  taskFenced: countedFact<OfTask & { partition: number }>({
    level: 'warn',
    message: 'another owner has taken over; what was not committed here is thrown away',
    counter: 'millrace_task_fenced_total',
    help: 'Tasks that found another owner',
    labels: ['pipeline', 'stage'],
  }),
  taskTakenOver: timedFact<
    OfTask & { partition: number; epoch: number; reason: string; from: string; seconds: number }
  >({
    level: 'info',
    message: 'task taken over from another process; it runs',
    histogram: 'millrace_task_handover_seconds',
    help: 'From when the former owner of a task stopped, or was heard of last, until the next one has recovered and reads; by how the former one ended',
    labels: ['pipeline', 'stage', 'reason'],
    buckets: LATENCY_BUCKETS_SECONDS,
  }),
  taskGivenBack: loggedFact<OfTask & { partition: number; reason: string; seconds: number }>(
    'info',
    'task given back, committed and delivered',
  ),
  membersChanged: loggedFact<{ members: readonly string[]; leaving: readonly string[] }>(
    'info',
    'processes that share the tasks',
  ),
  taskCommitted: timedFact<OfTask>({
    histogram: 'millrace_task_commit_seconds',
    help: 'Time a commit takes',
    labels: ['pipeline', 'stage'],
    buckets: LATENCY_BUCKETS_SECONDS,
  }),
  taskDelivered: timedFact<OfTask>({
    histogram: 'millrace_task_delivery_seconds',
    help: 'Time the delivery of an outbox takes',
    labels: ['pipeline', 'stage'],
    buckets: LATENCY_BUCKETS_SECONDS,
  }),
  eventsProcessed: countedFact<OfTask>({
    level: 'debug',
    counter: 'millrace_task_events_total',
    help: 'Events a stage has taken in; repeats after a restart count again',
    labels: ['pipeline', 'stage'],
  }),
  repeatsDropped: countedFact<OfTask & { partition: number }>({
    level: 'debug',
    counter: 'millrace_task_repeats_dropped_total',
    help: 'Messages that had been applied before and were dropped',
    labels: ['pipeline', 'stage'],
  }),
  framesMissing: countedFact<
    OfTask & { partition: number; producerName: string | undefined; position: string }
  >({
    level: 'error',
    message: 'frames are missing in raw: the log has lost what it had stored',
    counter: 'millrace_raw_frames_missing_total',
    help: 'Numbered frames of raw that never came: events that were stored and that the log has lost',
    labels: ['pipeline', 'stage'],
  }),
  messagesLost: countedFact<
    OfTask & { partition: number; target: string; found: number; first: number | undefined }
  >({
    level: 'error',
    message:
      'the log has messages of this task that no commit in the store knows of, and drops what comes under their numbers: ' +
      'give back the store that it was written with, or choose another namespace',
    counter: 'millrace_task_lost_messages_total',
    help: 'Messages of a task that the log drops as repeats, since the store has lost the commits that used their numbers',
    labels: ['pipeline', 'stage'],
  }),
  taskWaiting: gaugedFact<OfTask & { partition: number; reason: string }>({
    gauge: 'millrace_task_waiting_ratio',
    help: 'Share of the last seconds that a task waited, 0 to 1, by what it waited for',
    labels: ['pipeline', 'stage', 'partition', 'reason'],
  }),
  taskBusy: gaugedFact<OfTask & { partition: number }>({
    gauge: 'millrace_task_busy_ratio',
    help: 'Share of the last seconds that a task worked, 0 to 1',
    labels: ['pipeline', 'stage', 'partition'],
  }),
  taskBacklog: gaugedFact<OfTask & { partition: number }>({
    gauge: 'millrace_task_backlog_messages',
    help: 'Messages stored but not yet taken in',
    labels: ['pipeline', 'stage', 'partition'],
  }),
  ...FUNCTION_FACTS,
  // aggregate
  deltasRefused: countedFact<{ pipeline: string; partition: number; series: string; reason: string }>({
    level: 'warn',
    message: 'a delta was refused: its window is final, or the pipeline has no such series',
    counter: 'millrace_aggregate_refused_events_total',
    help: 'Events in deltas that a global task refused; 0 unless losses were accepted or a series was removed',
    labels: ['pipeline', 'reason'],
  }),
  otherKeyEvents: countedFact<{ pipeline: string; partition: number; series: string }>({
    level: 'debug',
    counter: 'millrace_aggregate_other_key_events_total',
    help: 'Events that the cap on keys (maxKeys) counted under the key __other__',
    labels: ['pipeline', 'series'],
  }),
  openWindowsFailed: countedFact<{ pipeline: string; partition: number; error: unknown }>({
    level: 'warn',
    message: 'the view of open windows could not be written; the next change tries again',
    counter: 'millrace_open_windows_failures_total',
    help: 'Writes of provisional rows that failed; nothing but the live view depends on them',
    labels: ['pipeline'],
  }),
  // time
  watermark: gaugedFact<OfStream>({
    gauge: 'millrace_watermark_seconds',
    help: 'Delivered watermark, seconds since the epoch',
    labels: ['pipeline', 'stream'],
  }),
  endToEndLatency: timedFact<{ pipeline: string }>({
    histogram: 'millrace_end_to_end_seconds',
    help: 'From the arrival of an event to its number on the live stream',
    labels: ['pipeline'],
    buckets: LATENCY_BUCKETS_SECONDS,
  }),
  endToEndQuantile: gaugedFact<{ pipeline: string; quantile: string }>({
    gauge: 'millrace_end_to_end_quantile_seconds',
    help: 'From the arrival of an event to its number on the live stream, over the last 5 minutes',
    labels: ['pipeline', 'quantile'],
  }),
  eventRate: gaugedFact<{ pipeline: string }>({
    gauge: 'millrace_pipeline_events_per_second',
    help: 'Events that a pipeline takes in at present',
    labels: ['pipeline'],
  }),
  failedShare: gaugedFact<{ pipeline: string }>({
    gauge: 'millrace_pipeline_failed_events_ratio',
    help: 'Share of all events so far that could not be processed, 0 to 1',
    labels: ['pipeline'],
  }),
  // storage
  logEntriesRemoved: countedFact<{ topic: string; reason: string }>({
    level: 'debug',
    counter: 'millrace_log_removed_messages_total',
    help: 'Messages of the embedded log that were removed to keep to its size or age',
    labels: ['topic', 'reason'],
  }),
  liveMessagesDropped: countedFact<{ topic: string }>({
    level: 'debug',
    counter: 'millrace_live_dropped_messages_total',
    help: 'Messages of non-persistent topics that a slow reader never saw',
    labels: ['topic'],
  }),
  logBytes: gaugedFact<object>({
    gauge: 'millrace_log_bytes',
    help: 'Bytes that the embedded log holds',
    labels: [],
  }),
  rowsInserted: countedFact<{ path: string }>({
    level: 'debug',
    counter: 'millrace_store_inserted_rows_total',
    help: 'Rows delivered to time-series collections of MongoDB, by how repeats are kept out: plain, checked or unfenced',
    labels: ['path'],
  }),
  rowsChecked: countedFact<{ task: string; collection: string; present: number; missing: number }>({
    level: 'info',
    message: 'looked which rows are there before inserting the missing ones',
    counter: 'millrace_store_checked_inserts_total',
    help: 'Deliveries to MongoDB that looked which rows were there: after a start, an error, or a long silence',
    labels: [],
  }),
  rowsBeyondRetention: countedFact<{ pipeline: string; series: string }>({
    level: 'debug',
    counter: 'millrace_store_expired_rows_total',
    help: 'Rows that were not written since they are older than their series is kept',
    labels: ['pipeline', 'series'],
  }),
  rowFence: gaugedFact<object>({
    gauge: 'millrace_store_row_fence',
    help: '1: the server keeps repeats and former owners out of time-series collections; 0: the weaker guarantee holds',
    labels: [],
  }),
  rowFenceMissing: loggedFact<{ reason: string }>(
    'warn',
    'rows are at least once: the server does not keep repeats and former owners out of time-series collections',
  ),
  storeVersionRisky: loggedFact<{ version: string; wanted: string; issues: readonly string[] }>(
    'warn',
    'this version of MongoDB has known issues; a newer one is wanted',
  ),
  storeSetUp: loggedFact<{ database: string; steps: readonly string[] }>('info', 'the database was set up'),
  // sample traffic
  sampleTrafficFilled: loggedFact<{ stream: string; events: number }>(
    'info',
    'the last hour is filled with sample traffic',
  ),
  sampleTrafficHeld: loggedFact<{ stream: string; error: unknown }>(
    'warn',
    'sample traffic could not be stored; it tries again',
  ),
} as const;
