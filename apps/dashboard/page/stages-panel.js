import { h, renderOn } from './dom.js';
import * as format from './format.js';

/**
 * @typedef {import('./model.js').Stage} Stage
 */

/** What each stage does, for people who see its name for the first time. @type {Record<string, string>} */
const PURPOSES = {
  enrich: 'deduplicates, adds, masks',
  local: 'counts by partition, decides lateness',
  global: 'merges, completes windows',
  alert: 'judges complete results',
};

/**
 * How each stage is doing, and on what it waits.
 *
 * @param {HTMLElement} host
 * @param {Stage[]} stages
 */
export function showStages(host, stages) {
  renderOn(host, stages, () =>
    stages.length === 0 ? [h('li', { class: 'nothing' }, 'No stage has reported yet.')] : stages.map(card),
  );
}

/** @param {Stage} stage */
function card(stage) {
  const problem = stage.tasks.find((task) => task.state !== 'running' && task.problem !== undefined)?.problem;
  const busy = Math.round(stage.busyShare * 100);
  return h(
    'li',
    { class: 'stage', title: PURPOSES[stage.stage] },
    h('h3', {}, stage.stage, h('span', { class: 'tag', 'data-tone': stage.state }, stateOf(stage))),
    h(
      'dl',
      {},
      ...entry('Rate', `${format.rate(stage.eventsPerSecond)} events/s`),
      ...entry('Backlog', backlogOf(stage)),
      ...entry('Busy', `${busy} %`),
      ...entry(
        'Waits for',
        stage.waitingFor === '' ? '–' : `${stage.waitingFor} ${format.percent(stage.waitingShare)}`,
      ),
    ),
    h('progress', {
      class: 'busy',
      max: 100,
      value: busy,
      'aria-label': `${stage.stage} is busy ${busy} percent of the time`,
    }),
    problem === undefined ? null : h('p', { class: 'problem' }, `${problem.code}: ${problem.detail}`),
  );
}

/** @param {Stage} stage */
function stateOf({ state, tasks }) {
  const inState = tasks.filter((task) => task.state === state).length;
  const word = state === 'running' ? 'running' : state.replaceAll('-', ' ');
  return tasks.length === 1 ? word : `${inState} of ${tasks.length} ${word}`;
}

/** @param {Stage} stage */
function backlogOf({ backlogMessages, backlogSeconds }) {
  const messages = `${format.count(backlogMessages)} ${backlogMessages === 1 ? 'message' : 'messages'}`;
  return backlogSeconds === null ? messages : `${messages}, ${format.duration(backlogSeconds * 1_000)}`;
}

/** @param {string} name @param {string} value */
function entry(name, value) {
  return [h('dt', {}, name), h('dd', {}, value)];
}
