import { at, say } from './dom.js';

/** @typedef {import('./read-key.js').Refusal} Refusal */

const TITLES = {
  missing: 'A key is needed to read here',
  unknown: 'This key is refused',
  scope: 'This key may not read',
};

/** Says what is wrong with the key, and where to put a right one. */
export class KeyPanel {
  start() {
    at('key-address').textContent = `${location.origin}${location.pathname}#key=mrk_…`;
    at('key-form').addEventListener('submit', (event) => {
      event.preventDefault();
      const input = /** @type {HTMLInputElement} */ (at('key-input'));
      const key = input.value.trim();
      input.value = '';
      // As if it had been put there by hand.
      if (key !== '') location.hash = `key=${key}`;
    });
  }

  /** @param {Refusal | undefined} refusal undefined: there is nothing to say */
  show(refusal) {
    at('key-panel').hidden = refusal === undefined;
    if (refusal === undefined) return;
    say(at('key-title'), TITLES[refusal.kind]);
    say(at('key-detail'), refusal.detail === '' ? '' : `The server says: ${refusal.detail}`);
  }
}
