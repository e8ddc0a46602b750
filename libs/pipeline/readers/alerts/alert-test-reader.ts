import {
  ALERT_STATUSES,
  type ExpectedNotification,
  type ExpectedTransition,
  PIPELINE_STALLED,
  type RuleTest,
  type RuleTestEvent,
  type Silence,
} from '#libs/alerting';
import type { PipelineDefinition } from '../../pipeline-definition.js';
import type { ProblemLog } from '../../settings/problem-log.js';
import type { Setting } from '../../settings/setting.js';
import {
  choiceReader,
  durationReader,
  listReader,
  MapReader,
  type Reader,
  textReader,
} from '../../settings/setting-reader.js';
import {
  momentReader,
  readNumber,
  readScalars,
  readSomeMatchers,
  readStream,
  textOf,
} from './alert-setting-readers.js';
import { alertTestInputReader, type TestRow } from './alert-test-input-reader.js';

const TEST_OPTIONS = [
  'name',
  'start',
  'clock',
  'until',
  'input',
  'events',
  'silences',
  'standstill',
  'expect',
];
const NOTIFIED = ['firing', 'resolved'] as const;
const REASONS = ['changed', 'repeat'] as const;
const DEFAULT_START = '2026-01-01T00:00:00Z';
const MAX_LENGTH_MS = 14 * 24 * 3_600_000;

/** Reads one test of the rules of a pipeline. */
export function alertTestReader(pipeline: PipelineDefinition): Reader<RuleTest> {
  return (setting, log) => {
    const test = MapReader.of(setting, log, TEST_OPTIONS);
    if (test === undefined) return undefined;
    const name = test.required('name', textReader('a sentence'));
    const startMs = test.optional('start', readTime, Date.parse(DEFAULT_START));
    const input = listReader(alertTestInputReader(pipeline, startMs), 'a list of inputs');
    const rows = test.optional('input', input, []).flat();
    const events = test.optional('events', listReader(eventReader(startMs), 'a list of events'), []);
    const clockMs = test.optional('clock', readTime, startMs);
    const silence = listReader(silenceReader(clockMs), 'a list of silences');
    const untilMs = startMs + test.optional('until', readLength, lastOf(rows, events, startMs) - startMs);
    const expected = test.required('expect', (each, problems) =>
      readExpected(each, { pipeline, startMs }, problems),
    );
    if (name === undefined || expected === undefined) return undefined;
    return {
      ...{ name, startMs, clockMs, untilMs, rows, events },
      silences: test.optional('silences', silence, []),
      standstills: test.optional('standstill', listReader(spanReader(startMs), 'a list of spans'), []),
      ...expected,
    };
  };
}

function lastOf(rows: readonly TestRow[], events: readonly RuleTestEvent[], startMs: number): number {
  return [...rows, ...events].reduce((lastMs, { atMs }) => Math.max(lastMs, atMs), startMs);
}

const readLength: Reader<number> = (setting, log) => {
  const lengthMs = durationReader(0)(setting, log);
  return lengthMs === undefined || lengthMs <= MAX_LENGTH_MS ? lengthMs : log.refuse(setting, 'at most 14d');
};

const readTime: Reader<number> = (setting, log) => {
  const timeMs = Date.parse(textOf(setting));
  return Number.isNaN(timeMs) ? log.refuse(setting, 'a time such as 2026-01-01T00:00:00Z') : timeMs;
};

function eventReader(startMs: number): Reader<RuleTestEvent> {
  return (setting, log) => {
    const event = MapReader.of(setting, log, ['at', 'stream', 'data']);
    const atMs = event?.required('at', momentReader(startMs));
    const stream = event?.optional('stream', readStream, 'demo');
    const data = event?.required('data', readScalars);
    return atMs === undefined || stream === undefined || data === undefined
      ? undefined
      : { atMs, stream, data };
  };
}

function silenceReader(clockMs: number): Reader<Silence> {
  return (setting, log) => {
    const silence = MapReader.of(setting, log, ['match', 'from', 'to']);
    const matchers = silence?.required('match', readSomeMatchers);
    const startsAtMs = silence?.optional('from', momentReader(clockMs), clockMs);
    const endsAtMs = silence?.optional('to', momentReader(clockMs), Number.MAX_SAFE_INTEGER);
    if (matchers === undefined || startsAtMs === undefined || endsAtMs === undefined) return undefined;
    return { id: setting.path, matchers, startsAtMs, endsAtMs, createdBy: 'test', comment: 'test' };
  };
}

function spanReader(startMs: number): Reader<RuleTest['standstills'][number]> {
  return (setting, log) => {
    const span = MapReader.of(setting, log, ['from', 'to']);
    const fromMs = span?.required('from', momentReader(startMs));
    const toMs = span?.required('to', momentReader(startMs));
    return fromMs === undefined || toMs === undefined ? undefined : { fromMs, toMs };
  };
}

interface ExpectedScope {
  readonly pipeline: PipelineDefinition;
  readonly startMs: number;
}

function readExpected(
  setting: Setting,
  scope: ExpectedScope,
  log: ProblemLog,
): Pick<RuleTest, 'transitions' | 'notifications'> | undefined {
  const expected = MapReader.of(setting, log, ['transitions', 'notifications']);
  if (expected === undefined) return undefined;
  if (!expected.has('transitions') && !expected.has('notifications'))
    return log.refuse(
      setting,
      'a map with transitions or notifications, or both; [] says that there are none',
    );
  const transition = listReader(transitionReader(scope), 'a list of transitions');
  const notification = listReader(notificationReader(scope), 'a list of notifications');
  const transitions = expected.optional('transitions', transition, undefined);
  const notifications = expected.optional('notifications', notification, undefined);
  return {
    ...(transitions === undefined ? {} : { transitions }),
    ...(notifications === undefined ? {} : { notifications }),
  };
}

function transitionReader({ pipeline, startMs }: ExpectedScope): Reader<ExpectedTransition> {
  return (setting, log) => {
    const map = MapReader.of(setting, log, ['at', 'rule', 'status', 'labels', 'reason', 'value']);
    const atMs = map?.required('at', momentReader(startMs));
    const rule = map?.required('rule', ruleReader(pipeline));
    const status = map?.required('status', choiceReader(ALERT_STATUSES));
    if (map === undefined || atMs === undefined || rule === undefined || status === undefined)
      return undefined;
    const reason = map.optional('reason', textReader('a reason'), undefined);
    const value = map.optional('value', readNumber, undefined);
    return {
      ...{ atMs, rule, status, labels: map.optional('labels', readScalars, {}) },
      ...(reason === undefined ? {} : { reason }),
      ...(value === undefined ? {} : { value }),
    };
  };
}

function notificationReader({ pipeline, startMs }: ExpectedScope): Reader<ExpectedNotification> {
  return (setting, log) => {
    const map = MapReader.of(setting, log, ['at', 'status', 'reason', 'alerts']);
    const atMs = map?.required('at', momentReader(startMs));
    const status = map?.required('status', choiceReader(NOTIFIED));
    if (map === undefined || atMs === undefined || status === undefined) return undefined;
    const reason = map.optional('reason', choiceReader(REASONS), undefined);
    const alerts = map.optional('alerts', listReader(alertReader(pipeline), 'a list of alerts'), undefined);
    return {
      ...{ atMs, status },
      ...(reason === undefined ? {} : { reason }),
      ...(alerts === undefined ? {} : { alerts }),
    };
  };
}

/** The name of a rule, or `{rule, labels}`. */
function alertReader(
  pipeline: PipelineDefinition,
): Reader<NonNullable<ExpectedNotification['alerts']>[number]> {
  return (setting, log) => {
    if (setting.kind === 'scalar') {
      const rule = ruleReader(pipeline)(setting, log);
      return rule === undefined ? undefined : { rule, labels: {} };
    }
    const map = MapReader.of(setting, log, ['rule', 'labels']);
    const rule = map?.required('rule', ruleReader(pipeline));
    return map === undefined || rule === undefined
      ? undefined
      : { rule, labels: map.optional('labels', readScalars, {}) };
  };
}

function ruleReader({ alerts }: PipelineDefinition): Reader<string> {
  return choiceReader([...alerts.map(({ name }) => name), PIPELINE_STALLED]);
}
