import { fill, h } from './dom.js';
import * as format from './format.js';

/**
 * @typedef {import('./model.js').Alert} Alert
 * @typedef {{windowEnd: string, value?: number, verdict?: string, why?: string}} ReadRow
 * @typedef {{at: string, status?: string, reason?: string, value?: number | null, historical?: boolean}} Transition
 */

/** Transitions that are listed; the rest is behind the link. */
const MAX_HISTORY = 12;
const MAX_ROWS = 6;
const LENGTHS = [
  ['30m', '30 minutes'],
  ['2h', '2 hours'],
  ['8h', '8 hours'],
  ['1d', 'a day'],
  ['7d', 'a week'],
];
/** Who silences is asked once. */
const AUTHOR = 'millrace-author';

/** @type {Map<string, {name: string, host: HTMLElement}>} What somebody has opened, by fingerprint: it outlives a new list. */
const opened = new Map();

/**
 * What can be asked of an alert and done about it, and below that what was.
 *
 * @param {Alert} alert
 */
export function alertActions(alert) {
  const host = opened.get(alert.fingerprint)?.host ?? h('div', { class: 'alert-detail' });
  const buttons = [
    button('Why', alert, host, showWhy),
    button('History', alert, host, showHistory),
    ...silenceButtons(alert, host),
  ];
  return h('div', { class: 'alert-actions' }, ...buttons, host);
}

/** Keeps the focus where it was while a list is made anew around it. @param {() => void} render */
export function keepingFocus(render) {
  const focused = document.activeElement;
  render();
  if (focused instanceof HTMLElement && focused !== document.activeElement && focused.isConnected)
    focused.focus();
}

/**
 * @param {Alert} alert
 * @param {HTMLElement} host
 */
function silenceButtons(alert, host) {
  const ids = alert['silencedBy'];
  if (Array.isArray(ids) && ids.length > 0) {
    const end = h('button', { type: 'button', class: 'link' }, 'End the silence');
    end.addEventListener('click', () => void endSilences(host, ids.map(String)));
    return [end];
  }
  return alert['status'] === 'resolved' ? [] : [button('Silence', alert, host, showSilenceForm)];
}

/**
 * @param {string} name
 * @param {Alert} alert
 * @param {HTMLElement} host
 * @param {(alert: Alert, host: HTMLElement) => Promise<void>} show
 */
function button(name, alert, host, show) {
  const isOpen = opened.get(alert.fingerprint)?.name === name;
  const element = h('button', { type: 'button', class: 'link', 'aria-expanded': String(isOpen) }, name);
  element.addEventListener('click', () => {
    const wasOpen = opened.get(alert.fingerprint)?.name === name;
    for (const other of element.parentElement?.querySelectorAll('[aria-expanded]') ?? [])
      other.setAttribute('aria-expanded', String(other === element && !wasOpen));
    if (wasOpen) {
      opened.delete(alert.fingerprint);
      fill(host, []);
      return;
    }
    opened.set(alert.fingerprint, { name, host });
    void show(alert, host).catch((error) => fill(host, [problem(error)]));
  });
  return element;
}

/** @param {Alert} alert @param {HTMLElement} host */
async function showWhy(alert, host) {
  const answer = await ask(`/v1/alerts/${encodeURIComponent(alert.fingerprint)}/explain`);
  const rows = /** @type {ReadRow[]} */ (Array.isArray(answer['rows']) ? answer['rows'] : []);
  fill(host, [
    h('p', {}, `It is ${String(answer['status'])}: ${String(answer['reason'])}.`),
    heldText(answer),
    rows.length === 0
      ? null
      : h('ul', { class: 'alert-rows' }, ...rows.slice(0, MAX_ROWS).map((row) => h('li', {}, rowText(row)))),
  ]);
}

const HOLDS = [
  ['silencedBy', 'silenced by'],
  ['maintenance', 'in maintenance:'],
  ['inhibitedBy', 'held back by'],
];

/** Why nobody is told of it; null: somebody is. @param {Record<string, unknown>} answer */
function heldText(answer) {
  const held = HOLDS.flatMap(([name = '', words = '']) => {
    const by = answer[name];
    return Array.isArray(by) && by.length > 0 ? [`${words} ${by.map(String).join(', ')}`] : [];
  });
  return held.length === 0 ? null : h('p', {}, `Nobody is told: ${held.join('; ')}.`);
}

/** @param {ReadRow} row */
function rowText({ windowEnd, value, verdict, why }) {
  const at = windowEnd.slice(11, 19);
  return value === undefined
    ? `${at}: nothing, ${why ?? 'no value'}`
    : `${at}: ${format.measured(value)}, ${verdict}`;
}

/** @param {Alert} alert @param {HTMLElement} host */
async function showHistory(alert, host) {
  const path = `/v1/alerts/${encodeURIComponent(alert.fingerprint)}`;
  const answer = await ask(path);
  const history = /** @type {Transition[]} */ (Array.isArray(answer['history']) ? answer['history'] : []);
  fill(host, [
    h(
      'ul',
      { class: 'alert-rows' },
      ...history.slice(0, MAX_HISTORY).map((each) => h('li', {}, transitionText(each))),
    ),
    h('a', { href: path }, history.length > MAX_HISTORY ? `All ${history.length}, as JSON` : 'As JSON'),
  ]);
}

/** @param {Transition} transition */
function transitionText({ at, status, reason, value, historical }) {
  const read = typeof value === 'number' ? `, ${format.measured(value)}` : '';
  const when = format.moment(Date.parse(at), Date.now());
  return `${when} ${status ?? ''} (${reason ?? ''}${read})${historical === true ? ', told nobody: too long ago' : ''}`;
}

/** @param {Alert} alert @param {HTMLElement} host */
async function showSilenceForm(alert, host) {
  const length = h(
    'select',
    { name: 'duration' },
    ...LENGTHS.map(([value, label]) => h('option', { value }, label)),
  );
  const author = h('input', { name: 'createdBy', required: true, maxlength: 100, value: remembered() });
  const comment = h('input', {
    name: 'comment',
    required: true,
    maxlength: 500,
    placeholder: 'Why it may be silent',
  });
  const note = h('p', { role: 'status' });
  const form = h(
    'form',
    { class: 'silence-form' },
    h('p', {}, `Nobody is told of ${matchersOf(alert).join(', ')} for`),
    h('label', {}, h('span', {}, 'Time'), length),
    h('label', {}, h('span', {}, 'Your name'), author),
    h('label', {}, h('span', {}, 'Comment'), comment),
    h('button', { type: 'submit', class: 'button' }, 'Silence it'),
    note,
  );
  form.addEventListener('submit', (event) => {
    event.preventDefault();
    const values = new FormData(/** @type {HTMLFormElement} */ (form));
    remember(String(values.get('createdBy')));
    const body = {
      matchers: matchersOf(alert),
      ...Object.fromEntries([...values].map(([k, v]) => [k, String(v)])),
    };
    void send('POST', '/v1/silences', body).then(
      (silence) =>
        fill(host, [
          h(
            'p',
            { role: 'status' },
            `Silent until ${format.moment(Date.parse(String(silence['endsAt'])), Date.now())}.`,
          ),
        ]),
      (error) => fill(note, [String(error.message)]),
    );
  });
  fill(host, [form]);
}

/** @param {HTMLElement} host @param {string[]} ids */
async function endSilences(host, ids) {
  try {
    for (const id of ids) await send('DELETE', `/v1/silences/${encodeURIComponent(id)}`);
    fill(host, [h('p', { role: 'status' }, 'The silence has ended.')]);
  } catch (error) {
    fill(host, [problem(error)]);
  }
}

/** The rule and every label: this alert and no other. @param {Alert} alert */
function matchersOf(alert) {
  const labels = Object.entries(/** @type {Record<string, unknown>} */ (alert['labels'] ?? {}));
  return [`rule=${String(alert['rule'])}`, ...labels.map(([name, value]) => `${name}=${String(value)}`)];
}

/** @param {unknown} error */
function problem(error) {
  return h('p', { role: 'alert' }, error instanceof Error ? error.message : String(error));
}

/** @param {string} path @returns {Promise<Record<string, unknown>>} */
function ask(path) {
  return send('GET', path);
}

/**
 * @param {string} method
 * @param {string} path
 * @param {unknown} [body]
 * @returns {Promise<Record<string, unknown>>}
 */
async function send(method, path, body) {
  const given =
    body === undefined ? {} : { headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) };
  const response = await fetch(path, { method, ...given });
  const answer = response.status === 204 ? {} : await response.json();
  if (!response.ok) throw new Error(String(answer['detail'] ?? answer['title'] ?? response.status));
  return answer;
}

function remembered() {
  try {
    return localStorage.getItem(AUTHOR) ?? '';
  } catch {
    return '';
  }
}

/** @param {string} name */
function remember(name) {
  try {
    localStorage.setItem(AUTHOR, name);
  } catch {
    // Private windows keep nothing.
  }
}
