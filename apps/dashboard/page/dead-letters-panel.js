import { at, fill, h, say } from './dom.js';

/**
 * @typedef {{id: string, time: string, code: string, reason?: string, stage?: string, original?: string,
 *   sentAgain?: {as: string, at: string}}} DeadLetter
 * @typedef {{pipeline: string, stream: string}} Place
 * @typedef {{sent: number, alreadySent: number, notRedrivable: number, more: boolean,
 *   problems: {id: string, code: string, reason: string}[]}} RedriveAnswer
 */

/** As many as somebody looks through; the link beside gives all. */
const SHOWN = 50;

/** Lists what could not be processed in the stream that is shown, with its originals, and sends it again. */
export class DeadLettersPanel {
  /** @type {Place} */
  #place = { pipeline: '', stream: '' };

  start() {
    at('dead-letters-show').addEventListener('click', () => void this.#list());
    at('dead-letters-send').addEventListener('click', () => void this.#send({ filter: this.#place }));
  }

  /** @param {Place} place */
  follow(place) {
    if (place.pipeline === this.#place.pipeline && place.stream === this.#place.stream) return;
    this.#place = place;
    fill(at('dead-letters'), []);
    at('dead-letters-send').hidden = true;
    say(at('dead-letters-note'), '');
  }

  async #list() {
    const parameters = new URLSearchParams({ ...this.#place, limit: String(SHOWN) });
    const answer = await this.#ask(`/v1/dead-letters?${parameters.toString()}`);
    if (answer === undefined) return;
    const letters = /** @type {DeadLetter[]} */ (answer.deadLetters);
    const isSendable = letters.some(({ sentAgain }) => sentAgain === undefined);
    at('dead-letters-send').hidden = !isSendable;
    say(at('dead-letters-note'), letters.length === 0 ? 'None in this stream.' : '');
    fill(
      at('dead-letters'),
      letters.map((letter) => this.#letter(letter)),
    );
  }

  /** @param {DeadLetter} letter */
  #letter({ id, time, code, reason, stage, original, sentAgain }) {
    const action =
      sentAgain === undefined ? h('button', { type: 'button', class: 'button' }, 'Send again') : null;
    action?.addEventListener('click', () => void this.#send({ ids: [id] }));
    return h(
      'div',
      { class: 'dead-letter' },
      h('span', { class: 'name' }, `${code} in ${stage ?? '?'}`),
      h('time', { datetime: time }, time),
      h('span', { class: 'why' }, reason ?? ''),
      sentAgain === undefined ? action : h('span', { class: 'sent' }, `Sent again as ${sentAgain.as}`),
      h('details', {}, h('summary', {}, 'Original'), h('pre', {}, original ?? '')),
    );
  }

  /** @param {object} which */
  async #send(which) {
    const answer = /** @type {RedriveAnswer | undefined} */ (
      await this.#ask('/v1/dead-letters/redrive', {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(which),
      })
    );
    if (answer === undefined) return;
    await this.#list();
    say(at('dead-letters-note'), outcomeOf(answer));
  }

  /**
   * @param {string} route
   * @param {RequestInit} [request]
   * @returns {Promise<any>} undefined where it went wrong, and that was said
   */
  async #ask(route, request) {
    try {
      const response = await fetch(route, request);
      const answer = await response.json();
      if (response.ok) return answer;
      say(at('dead-letters-note'), String(answer.detail ?? answer.title));
    } catch {
      say(at('dead-letters-note'), 'The dashboard did not answer. Try again.');
    }
    return undefined;
  }
}

/** @param {RedriveAnswer} answer */
function outcomeOf({ sent, alreadySent, notRedrivable, more, problems }) {
  const [first] = problems;
  const counts = `${sent} sent again, ${alreadySent} sent before, ${notRedrivable} can't be sent.`;
  const why = first === undefined ? '' : ` ${first.code}: ${first.reason}.`;
  return `${counts}${why}${more ? ' There are more: press again.' : ''}`;
}
