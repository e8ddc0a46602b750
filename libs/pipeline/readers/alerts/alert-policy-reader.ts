import {
  ALERT_SEVERITIES,
  type AlertPolicy,
  DEFAULT_NOTIFICATIONS,
  DEFAULT_STALL,
  type Inhibition,
  type MaintenanceWindow,
  type NotificationSettings,
  type Receiver,
  type StallRule,
  WEEKDAYS,
} from '#libs/alerting';
import type { ProblemLog } from '../../settings/problem-log.js';
import type { Setting } from '../../settings/setting.js';
import {
  choiceReader,
  distinctReader,
  durationReader,
  listReader,
  MapReader,
  readBoolean,
  type Reader,
  textReader,
} from '../../settings/setting-reader.js';
import { readMatchers, readSomeMatchers, textOf } from './alert-setting-readers.js';

/** The keys of an alert file beside its rules. */
export const POLICY_OPTIONS = ['notifications', 'inhibit', 'maintenance', 'receivers', 'pipelineStalled'];

const NAME = textReader('a name of a-z, 0-9 and -, at most 63', /^[a-z][a-z0-9-]{0,62}$/);
const LABEL = textReader('the name of a label', /^[A-Za-z_]\w{0,62}$/);
const DEFAULT_GIVE_UP_AFTER_MS = 24 * 3_600_000;

/** Everything of an alert file but the rules. */
export function readAlertPolicy(document: MapReader): AlertPolicy {
  const stall = document.optional('pipelineStalled', readStall, DEFAULT_STALL);
  const receiver = distinctReader(readReceiver, ({ name }) => name);
  const window = distinctReader(readMaintenance, ({ name }) => name);
  return {
    notifications: document.optional('notifications', readNotifications, DEFAULT_NOTIFICATIONS),
    inhibit: document.optional('inhibit', listReader(readInhibition, 'a list of inhibitions'), []),
    maintenance: document.optional('maintenance', listReader(window, 'a list of times'), []),
    receivers: document.optional('receivers', listReader(receiver, 'a list of receivers'), []),
    ...(stall === 'off' ? {} : { stall }),
  };
}

const readStall: Reader<StallRule | 'off'> = (setting, log) => {
  if (textOf(setting) === 'off') return 'off';
  if (setting.kind !== 'map') return log.refuse(setting, 'off, or a map of after, severity');
  const stall = MapReader.of(setting, log, ['after', 'severity']);
  const afterMs = stall?.optional('after', durationReader(1), DEFAULT_STALL.afterMs);
  const severity = stall?.optional('severity', choiceReader(ALERT_SEVERITIES), DEFAULT_STALL.severity);
  return afterMs === undefined || severity === undefined ? undefined : { afterMs, severity };
};

const readNotifications: Reader<NotificationSettings> = (setting, log) => {
  const options = ['groupBy', 'groupWait', 'groupInterval', 'repeatInterval'];
  const map = MapReader.of(setting, log, options);
  const { groupBy, groupWaitMs, groupIntervalMs, repeatIntervalMs } = DEFAULT_NOTIFICATIONS;
  const label = distinctReader(LABEL, (name) => name);
  return (
    map && {
      groupBy: map.optional('groupBy', listReader(label, 'a list of labels'), groupBy),
      groupWaitMs: map.optional('groupWait', durationReader(0), groupWaitMs),
      groupIntervalMs: map.optional('groupInterval', durationReader(1), groupIntervalMs),
      repeatIntervalMs: map.optional('repeatInterval', durationReader(1), repeatIntervalMs),
    }
  );
};

const readInhibition: Reader<Inhibition> = (setting, log) => {
  const map = MapReader.of(setting, log, ['source', 'target', 'equal']);
  const source = map?.required('source', readSomeMatchers);
  const target = map?.required('target', readSomeMatchers);
  const equal = map?.optional('equal', listReader(LABEL, 'a list of labels'), []);
  if (source === undefined || target === undefined || equal === undefined) return undefined;
  return { source, target, equal };
};

const readMaintenance: Reader<MaintenanceWindow> = (setting, log) => {
  const map = MapReader.of(setting, log, ['name', 'match', 'days', 'from', 'to', 'timeZone']);
  if (map === undefined) return undefined;
  const name = map.required('name', NAME);
  const day = distinctReader(choiceReader(WEEKDAYS), (each) => each);
  const days = map.optional('days', listReader(day, 'a list of days'), []);
  const matchers = map.optional('match', readMatchers, []);
  const fromMinute = map.required('from', readMinute);
  const toMinute = map.required('to', readMinute);
  const timeZone = map.required('timeZone', readTimeZone);
  if (name === undefined || fromMinute === undefined || toMinute === undefined || timeZone === undefined)
    return undefined;
  return { name, matchers, days, fromMinute, toMinute, timeZone };
};

const readMinute: Reader<number> = (setting, log) => {
  const [, hour, minute] = /^(\d{1,2}):(\d{2})$/.exec(textOf(setting)) ?? [];
  const minutes = Number(hour) * 60 + Number(minute);
  const isTime = Number(minute) < 60 && minutes >= 0 && minutes <= 24 * 60;
  return isTime ? minutes : log.refuse(setting, 'a time of day from 00:00 to 24:00');
};

const readTimeZone: Reader<string> = (setting, log) => {
  const name = textOf(setting);
  try {
    return name === ''
      ? log.refuse(setting, ZONE)
      : new Intl.DateTimeFormat('en', { timeZone: name }) && name;
  } catch {
    return log.refuse(setting, ZONE);
  }
};

const ZONE = 'the name of a time zone, such as Europe/Prague';

const WEBHOOK_OPTIONS = ['url', 'secret', 'allowPrivate', 'sendResolved', 'giveUpAfter'];
const ALERTMANAGER_OPTIONS = ['url', 'allowPrivate', 'giveUpAfter'];

function readReceiver(setting: Setting, log: ProblemLog): Receiver | undefined {
  const map = MapReader.of(setting, log, ['name', 'match', 'webhook', 'alertmanager']);
  if (map === undefined) return undefined;
  const name = map.required('name', NAME);
  const matchers = map.optional('match', readMatchers, []);
  if (map.has('webhook') === map.has('alertmanager'))
    return log.refuse(setting, 'a receiver with either webhook or alertmanager');
  const target = map.has('webhook')
    ? map.required('webhook', readWebhook)
    : map.required('alertmanager', readAlertmanager);
  return name === undefined || target === undefined ? undefined : { name, matchers, ...target };
}

type Target<K extends Receiver['kind']> = Omit<Extract<Receiver, { kind: K }>, 'name' | 'matchers'>;

const readWebhook: Reader<Target<'webhook'>> = (setting, log) => {
  const map = MapReader.of(setting, log, WEBHOOK_OPTIONS);
  const target = map && readTarget(map);
  if (map === undefined || target === undefined) return undefined;
  const wanted = 'the name of a secret, A-Z, 0-9 and _: PAGER is the variable MILLRACE_SECRET_PAGER';
  const secret = map.optional('secret', textReader(wanted, /^[A-Z][A-Z0-9_]{0,62}$/), undefined);
  const sendResolved = map.optional('sendResolved', readBoolean, true);
  return { kind: 'webhook', ...target, sendResolved, ...(secret === undefined ? {} : { secret }) };
};

const readAlertmanager: Reader<Target<'alertmanager'>> = (setting, log) => {
  const map = MapReader.of(setting, log, ALERTMANAGER_OPTIONS);
  const target = map && readTarget(map);
  return target && { kind: 'alertmanager', ...target };
};

function readTarget(map: MapReader): Pick<Receiver, 'url' | 'allowPrivate' | 'giveUpAfterMs'> | undefined {
  const url = map.required('url', readUrl);
  const allowPrivate = map.optional('allowPrivate', readBoolean, false);
  const giveUpAfterMs = map.optional('giveUpAfter', durationReader(1), DEFAULT_GIVE_UP_AFTER_MS);
  return url === undefined ? undefined : { url, allowPrivate, giveUpAfterMs };
}

const readUrl: Reader<string> = (setting, log) => {
  const wanted = 'an address such as https://example.org/hook, without a user or password';
  const url = URL.canParse(textOf(setting)) ? new URL(textOf(setting)) : undefined;
  const isUsable =
    url !== undefined && /^https?:$/.test(url.protocol) && url.username === '' && url.password === '';
  return isUsable ? url.href : log.refuse(setting, wanted);
};
