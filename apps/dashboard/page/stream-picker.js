import { h, renderOn } from './dom.js';
import * as format from './format.js';

/**
 * @typedef {import('./model.js').StreamView} StreamView
 */

/**
 * The lists to choose a pipeline and a stream from. They are the browser's own, so that keys, screen readers and
 * phones know them.
 */
export class StreamPicker {
  #select;
  #pipelineSelect;
  #pipelinePicker;

  /**
   * @param {{select: HTMLSelectElement, pipelineSelect: HTMLSelectElement, pipelinePicker: HTMLElement}} elements
   * @param {{onStream: (stream: string) => void, onPipeline: (pipeline: string) => void}} actions
   */
  constructor({ select, pipelineSelect, pipelinePicker }, { onStream, onPipeline }) {
    this.#select = select;
    this.#pipelineSelect = pipelineSelect;
    this.#pipelinePicker = pipelinePicker;
    select.addEventListener('change', () => onStream(select.value));
    pipelineSelect.addEventListener('change', () => onPipeline(pipelineSelect.value));
  }

  /**
   * @param {{streams: StreamView[], stream: string, pipelines: string[], pipeline: string, nowMs: number}} view
   */
  show({ streams, stream, pipelines, pipeline, nowMs }) {
    // An open list must not move under the finger: it is only redrawn when nobody has it open.
    if (document.activeElement === this.#select && this.#select.matches(':open')) return;
    const options = streams.map(({ name, lastWrite }) => ({
      name,
      label: `${name}${ageText(lastWrite, nowMs)}`,
    }));
    if (!streams.some(({ name }) => name === stream) && stream !== '')
      options.unshift({ name: stream, label: stream });
    this.#select.disabled = options.length === 0;
    renderOn(this.#select, options, () =>
      options.length === 0
        ? [h('option', { value: '' }, 'none yet')]
        : options.map(({ name, label }) => h('option', { value: name }, label)),
    );
    this.#select.value = stream;
    this.#pipelinePicker.hidden = pipelines.length < 2;
    renderOn(this.#pipelineSelect, pipelines, () =>
      pipelines.map((name) => h('option', { value: name }, name)),
    );
    this.#pipelineSelect.value = pipeline;
  }
}

/** @param {string | null} lastWrite @param {number} nowMs */
function ageText(lastWrite, nowMs) {
  if (lastWrite === null) return '';
  const ageMs = nowMs - Date.parse(lastWrite);
  return ageMs < 60_000 ? ' · now' : ` · ${format.duration(ageMs - (ageMs % 60_000))} ago`;
}
