import { alertActions, keepingFocus } from './alert-details.js';
import { h, renderOn } from './dom.js';
import * as format from './format.js';

/**
 * @typedef {import('./model.js').Alert} Alert
 */

/** Resolved alerts that are listed; the rest is behind the link. */
const MAX_RESOLVED = 8;

/**
 * The alerts that are firing, in front of everything, and the list of all.
 *
 * @param {{firing: HTMLElement, list: HTMLElement}} hosts
 * @param {Alert[]} alerts
 * @param {{nowMs: number, stream: string}} view
 */
export function showAlerts(hosts, alerts, { nowMs, stream }) {
  const ofStreamFirst = [...alerts].sort(
    (a, b) => Number(b['stream'] === stream) - Number(a['stream'] === stream),
  );
  // Who is held back is told to nobody, and does not stand in front of everything.
  const firing = ofStreamFirst.filter((alert) => isAlerting(alert) && holdOf(alert) === undefined);
  const minute = Math.floor(nowMs / 60_000);
  hosts.firing.hidden = firing.length === 0;
  renderOn(hosts.firing, [firing, minute], () => firing.map((alert) => banner(alert, nowMs)));
  keepingFocus(() => renderOn(hosts.list, [ofStreamFirst, minute], () => listOf(ofStreamFirst, nowMs)));
}

/**
 * When alerts of a stream were firing, in seconds since the epoch.
 *
 * @param {Alert[]} alerts
 * @param {{nowMs: number, stream: string}} view
 */
export function firingTimes(alerts, { nowMs, stream }) {
  return alerts.flatMap((alert) => {
    const fromMs = timeOf(alert, 'firedAt');
    if (fromMs === undefined || alert['stream'] !== stream) return [];
    // Still firing: up to now, in steps, so that the chart need not be drawn again for it every moment.
    const toMs = timeOf(alert, 'resolvedAt') ?? Math.max(fromMs, Math.floor(nowMs / 10_000) * 10_000);
    return [{ min: fromMs / 1_000, max: toMs / 1_000 }];
  });
}

/** @param {Alert} alert @param {number} nowMs */
function banner(alert, nowMs) {
  const sinceMs = timeOf(alert, 'firedAt', 'startedAt');
  return h(
    'article',
    { role: 'alert' },
    h('span', { class: 'tag', 'data-tone': 'firing' }, String(alert['severity'] ?? 'firing')),
    h('strong', {}, nameOf(alert)),
    h(
      'span',
      { class: 'grow' },
      [textOf(alert, 'summary'), valueOf(alert)].filter((text) => text !== '').join(' · '),
    ),
    h('span', {}, `${placeOf(alert)}since ${sinceMs === undefined ? 'now' : format.moment(sinceMs, nowMs)}`),
    link(alert, 'History'),
  );
}

/** @param {Alert[]} alerts @param {number} nowMs */
function listOf(alerts, nowMs) {
  if (alerts.length === 0) return [h('p', { class: 'nothing' }, 'No alert has been raised.')];
  const resolved = alerts.filter((alert) => alert['status'] === 'resolved').slice(0, MAX_RESOLVED);
  const active = ACTIVE.flatMap((status) => alerts.filter((alert) => alert['status'] === status));
  return [h('ul', { class: 'list' }, ...[...active, ...resolved].map((alert) => item(alert, nowMs)))];
}

/** What is to be looked at, first what most. */
const ACTIVE = ['firing', 'nodata', 'recovering', 'pending'];
/** @type {Record<string, string>} */
const NAMES = { nodata: 'no data' };

/** @param {Alert} alert */
function isAlerting(alert) {
  return ['firing', 'recovering', 'nodata'].includes(String(alert['status']));
}

/** Why nobody is told of it; undefined: somebody is. @param {Alert} alert */
function holdOf(alert) {
  const holds = [
    ['silencedBy', 'silenced'],
    ['maintenance', 'in maintenance'],
    ['inhibitedBy', 'held back by another alert'],
  ];
  return holds.find(([name = '']) => Array.isArray(alert[name]))?.[1];
}

/** @param {Alert} alert */
function marks(alert) {
  const hold = holdOf(alert);
  const texts = [
    hold,
    alert['flapping'] === true ? 'flapping' : undefined,
    alert['historical'] === true ? 'old' : undefined,
  ];
  return texts.filter((text) => text !== undefined).map((text) => h('span', { class: 'mark' }, String(text)));
}

/** @param {Alert} alert @param {number} nowMs */
function item(alert, nowMs) {
  const status = textOf(alert, 'status');
  return h(
    'li',
    {},
    h(
      'span',
      { class: 'tag', 'data-tone': holdOf(alert) === undefined ? status : 'silent' },
      NAMES[status] ?? status,
    ),
    h('span', { class: 'title' }, nameOf(alert), ...marks(alert)),
    h('span', { class: 'when' }, whenOf(alert, nowMs)),
    h(
      'span',
      { class: 'more' },
      [`${placeOf(alert)}${textOf(alert, 'summary')}`, valueOf(alert)].filter(Boolean).join(' · '),
      alertActions(alert),
    ),
  );
}

/** @param {Alert} alert @param {number} nowMs */
function whenOf(alert, nowMs) {
  const fromMs = timeOf(alert, 'firedAt', 'startedAt');
  const toMs = timeOf(alert, 'resolvedAt');
  if (fromMs === undefined) return '';
  if (alert['status'] !== 'resolved') return `since ${format.moment(fromMs, nowMs)}`;
  if (toMs === undefined) return format.moment(fromMs, nowMs);
  return `${format.moment(fromMs, nowMs)} – ${format.clockTime(toMs)}, ${format.duration(toMs - fromMs)}`;
}

/** @param {Alert} alert @param {string} label */
function link(alert, label) {
  return h('a', { href: `/v1/alerts/${encodeURIComponent(alert.fingerprint)}` }, label);
}

/** @param {Alert} alert */
function nameOf(alert) {
  return textOf(alert, 'rule', 'name') || alert.fingerprint;
}

/** @param {Alert} alert */
function placeOf(alert) {
  const stream = textOf(alert, 'stream');
  return stream === '' ? '' : `${stream} · `;
}

/** What was measured and what is allowed: `errors / requests 0.31, limit 0.05`. @param {Alert} alert */
function valueOf(alert) {
  const { value, condition, status } = alert;
  // The value of a resolved alert is the one that ended it: beside the limit it would read like the reason.
  if (
    status === 'resolved' ||
    typeof value !== 'number' ||
    typeof condition !== 'object' ||
    condition === null
  )
    return '';
  if (Reflect.get(condition, 'kind') === 'pattern') return `${value} ${value === 1 ? 'event' : 'events'}`;
  const limit = Reflect.get(condition, 'above') ?? Reflect.get(condition, 'below');
  const name = Reflect.get(condition, 'value');
  return `${typeof name === 'string' ? name : 'value'} ${format.measured(value)}${typeof limit === 'number' ? `, limit ${format.measured(limit)}` : ''}`;
}

/** @param {Alert} alert @param {...string} names */
function textOf(alert, ...names) {
  const found = names.map((name) => alert[name]).find((value) => typeof value === 'string');
  return typeof found === 'string' ? found : '';
}

/**
 * The first of these that is a time, in epoch milliseconds.
 *
 * @param {Alert} alert
 * @param {...string} names
 */
function timeOf(alert, ...names) {
  const text = textOf(alert, ...names);
  return text === '' ? undefined : Date.parse(text);
}
