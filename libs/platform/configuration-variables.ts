import { parseAdminAddress, parseBrokerAddress, parseStoreAddress } from './adapter-address.js';
import { parseDatabase, parseLookupAddress, withoutCredentials } from './mongodb-address.js';
import {
  parseAdminKey,
  parseBoolean,
  parseBytes,
  parseCount,
  parseDurationBetween,
  parseDurationMs,
  parseFailpoints,
  parseFences,
  parseHolds,
  parseName,
  parseOneOf,
  parseOrigins,
  parsePort,
  parseRetention,
  parseText,
} from './setting-parsers.js';

/** One setting: where it comes from, what it means, how its text is read. */
export interface ConfigurationVariable<T = unknown, Default extends string | undefined = string | undefined> {
  readonly variable: `MILLRACE_${string}`;
  /** As it would be written; undefined: the app decides, or there is none. */
  readonly default: Default;
  /** A sentence for docs/configuration.md. */
  readonly meaning: string;
  /** @throws RangeError that says what is wanted */
  readonly parse: (text: string) => T;
  readonly isSecret?: true;
  /** The text as it may be shown, where a part of it is secret. */
  readonly shown?: (text: string) => string;
}

function setting<T, const Default extends string | undefined = undefined>(
  variable: `MILLRACE_${string}`,
  parse: (text: string) => T,
  rest: Pick<ConfigurationVariable, 'meaning' | 'isSecret' | 'shown'> & { readonly default?: Default },
): ConfigurationVariable<T, Default> {
  return { variable, parse, ...rest, default: rest.default as Default };
}

/** Every setting of every app, by its name in {@link Configuration}. */
export const SETTINGS = {
  host: setting('MILLRACE_HOST', parseText, {
    default: '127.0.0.1',
    meaning: 'Address to listen on. Loopback unless told otherwise.',
  }),
  port: setting('MILLRACE_PORT', parsePort, {
    meaning:
      'Port to listen on; 0 takes a free one. Default: 3000, and 3001 to 3004 for ingest, enrich, aggregate, alert.',
  }),
  broker: setting('MILLRACE_BROKER', parseBrokerAddress, {
    default: 'embedded',
    meaning:
      'The log that everything travels through: `embedded` (in the data folder, one process), or a Pulsar: `ws://host:8080`, `wss://host:8443` (WebSocket), `pulsar://host:6650`, `pulsar+ssl://host:6651` (native client).',
    shown: withoutCredentials,
  }),
  brokerAdmin: setting('MILLRACE_BROKER_ADMIN', parseAdminAddress, {
    meaning:
      "Pulsar's REST API, e.g. http://host:8080. Default for `ws://` and `wss://`: the same host and port, by http or https; for `pulsar://` and `pulsar+ssl://`: the first host, http at 8080 or https at 8443.",
    shown: withoutCredentials,
  }),
  brokerTokenFile: setting('MILLRACE_BROKER_TOKEN_FILE', parseText, {
    meaning: 'File with the token that Pulsar wants; read again when it changes. Default: none.',
  }),
  brokerCaFile: setting('MILLRACE_BROKER_CA_FILE', parseText, {
    meaning:
      "File (PEM) with certificates of who may sign the broker's, beside those that Node.js trusts anyway. Default: none.",
  }),
  brokerRetentionMs: setting('MILLRACE_BROKER_RETENTION', parseDurationMs, {
    default: '7d',
    meaning:
      'How long Pulsar keeps, at least, what everybody has read of the topics that can be read again: raw, results, late, dead, alerts, notifications.',
  }),
  applyTopology: setting('MILLRACE_APPLY_TOPOLOGY', parseBoolean, {
    meaning:
      'On Pulsar: make and put right the topics before the start, instead of refusing to start where they are not as wanted. Default: true for standalone, else false.',
  }),
  store: setting('MILLRACE_STORE', parseStoreAddress, {
    default: 'embedded',
    meaning:
      'Where commits and results are kept: `embedded` (in the data folder, one process), or a MongoDB replica set: `mongodb://user:password@host:27017/?replicaSet=rs0`.',
    shown: withoutCredentials,
  }),
  storeDatabase: setting('MILLRACE_STORE_DATABASE', parseDatabase, {
    meaning: 'Database in MongoDB. Default: the one that `MILLRACE_STORE` names, else `millrace`.',
  }),
  lookupMongodb: setting('MILLRACE_LOOKUP_MONGODB', parseLookupAddress, {
    meaning:
      'Where look-ups of `mongodb:…` ask: `mongodb://user:password@host:27017/database`. Default: the database of `MILLRACE_STORE`, where that is a MongoDB.',
    shown: withoutCredentials,
  }),
  storeSetup: setting('MILLRACE_STORE_SETUP', parseOneOf(['apply', 'check']), {
    default: 'apply',
    meaning:
      'What is missing in MongoDB at the start: `apply` makes it, `check` refuses to start and names it (for users who may not create collections; see `millrace storage`).',
  }),
  storeRetention: setting('MILLRACE_STORE_RETENTION', parseRetention, {
    default: '',
    meaning:
      'How long rows are kept in MongoDB, counted from the start of their window: `400d`, or by series `web/sessions=90d,web/top_paths=30d`. Default: for ever.',
  }),
  storeAuditMs: setting('MILLRACE_STORE_AUDIT', parseDurationMs, {
    default: '1h',
    meaning:
      'How long MongoDB keeps what was delivered for `millrace audit` to compare rows with; `0s`: not at all.',
  }),
  dataDir: setting('MILLRACE_DATA_DIR', parseText, {
    default: './.millrace',
    meaning: 'Folder of the embedded log and store. One process at a time.',
  }),
  dataMaxBytes: setting('MILLRACE_DATA_MAX_BYTES', parseBytes, {
    default: '2GiB',
    meaning:
      'Cap of the data folder. Of the log, what has been processed goes first; nothing unread is removed: ingest answers 503 instead.',
  }),
  pipelines: setting('MILLRACE_PIPELINES', parseText, {
    meaning: 'Pipeline files, separated by commas. Default: the shipped pipelines/web.yaml.',
  }),
  auth: setting('MILLRACE_AUTH', parseOneOf(['auto', 'keys', 'none']), {
    default: 'auto',
    meaning:
      'Who may come in: `auto` asks for keys as soon as there is one, and does not listen beyond loopback without; `keys` always asks; `none` never does.',
  }),
  adminKey: setting('MILLRACE_ADMIN_KEY', parseAdminKey, {
    meaning:
      'A key with the scope admin beside those that were made: to make the first one with. 32 characters or more.',
    isSecret: true,
  }),
  corsOrigins: setting('MILLRACE_CORS_ORIGINS', parseOrigins, {
    default: '',
    meaning:
      'Origins whose pages may send events, e.g. https://shop.example, separated by commas; * for all.',
  }),
  ingestMaxBacklog: setting('MILLRACE_INGEST_MAX_BACKLOG', parseCount, {
    default: '100000',
    meaning: 'Ingest answers 429 while a stage of the pipeline has more messages than that before it.',
  }),
  ingestMaxInflatedBytes: setting('MILLRACE_INGEST_MAX_INFLATED', parseBytes, {
    default: '1GiB',
    meaning: 'Of a compressed body at most so many bytes are read, counted when they are inflated.',
  }),
  functions: setting('MILLRACE_FUNCTIONS', parseText, {
    meaning:
      'Compiled file of functions to run in this process, e.g. dist/functions/functions.module.js: it exports Nest modules, what defineFunction gives, or classes under @Subscriber.',
  }),
  demo: setting('MILLRACE_DEMO', parseBoolean, {
    default: 'true',
    meaning: 'Sample traffic on the stream demo (standalone only).',
  }),
  demoSeed: setting('MILLRACE_DEMO_SEED', parseText, {
    default: 'millrace',
    meaning: 'Seed of the sample traffic: the same seed gives the same traffic.',
  }),
  tenant: setting('MILLRACE_TENANT', parseName, {
    default: 'public',
    meaning: "Tenant of the pipelines' topics.",
  }),
  namespace: setting('MILLRACE_NAMESPACE', parseName, {
    default: 'default',
    meaning: "Namespace of the pipelines' topics.",
  }),
  logLevel: setting('MILLRACE_LOG_LEVEL', parseOneOf(['debug', 'info', 'warn', 'error', 'silent']), {
    default: 'info',
    meaning: 'The least level that is logged: debug, info, warn, error or silent.',
  }),
  drainTimeoutMs: setting('MILLRACE_DRAIN_TIMEOUT', parseDurationBetween('1ms', '24h'), {
    default: '30s',
    meaning:
      'How long the end of the process may take: requests end, tasks commit, deliver and give their leases back. Then it ends all the same, with exit code 1, and says what was not done; nothing is lost.',
  }),
  commitIntervalMs: setting('MILLRACE_COMMIT_INTERVAL', parseDurationBetween('1ms', '24h'), {
    default: '1s',
    meaning: 'At most this long between two commits of a task that has something to commit.',
  }),
  commitGapMs: setting('MILLRACE_COMMIT_GAP', parseDurationBetween('0ms', '24h'), {
    default: '100ms',
    meaning: 'At least this long between two commits of a task, except where an alert waits.',
  }),
  liveIntervalMs: setting('MILLRACE_LIVE_INTERVAL', parseDurationBetween('1ms', '24h'), {
    default: '250ms',
    meaning: 'Provisional numbers of one window are sent at most this often.',
  }),
  visitorSecret: setting('MILLRACE_VISITOR_SECRET', parseText, {
    meaning: 'Secret that visitor ids are made with. Default: made at the first start and kept in the store.',
    isSecret: true,
  }),
  stateFormat: setting('MILLRACE_STATE_FORMAT', parseOneOf(['stored', 'newest']), {
    default: 'stored',
    meaning:
      'In which version tasks write state that is stored in a former one: `stored` goes on with that version, so that processes of the former release can take the tasks back; `newest` when none of those will run any more.',
  }),
  holdTasks: setting('MILLRACE_HOLD_TASKS', parseHolds, {
    default: '',
    meaning:
      'For tests of a stage that lags: tasks to start later, e.g. web/local/1=30s, separated by commas.',
  }),
  failpoint: setting('MILLRACE_FAILPOINT', parseFailpoints, {
    default: '',
    meaning:
      'For tests of recovery: the process kills itself (SIGKILL) at a named place, e.g. after-commit:3 or web/local/1@after-commit:3, separated by commas; docs/operations.md lists them.',
  }),
  withoutFences: setting('MILLRACE_WITHOUT_FENCE', parseFences, {
    default: '',
    meaning:
      'For tests that show what a fence is there for: fences that do not hold in this process, separated by commas. Events are then lost or counted twice; docs/operations.md lists them.',
  }),
} as const;

type ValueOf<S> =
  S extends ConfigurationVariable<infer T, infer Default>
    ? Default extends string
      ? T
      : T | undefined
    : never;

/** The settings with their types; those without a default may be absent. */
export type SettingValues = { readonly [Name in keyof typeof SETTINGS]: ValueOf<(typeof SETTINGS)[Name]> };

/** What the documentation lists. */
export const CONFIGURATION_VARIABLES: readonly ConfigurationVariable[] = Object.values(SETTINGS);
