import { askWhyRefused } from './read-key.js';

/**
 * @typedef {import('./model.js').LiveEvents} LiveEvents
 * @typedef {import('./read-key.js').Refusal} Refusal
 * @typedef {'connecting' | 'live' | 'reconnecting' | 'refused'} ConnectionState
 */

/** A heartbeat comes every five seconds; without two of them and some grace the line is dead, whatever it says. */
const SILENCE_MS = 13_000;
const RETRY_MS = 1_500;
/** Somebody has to do something first: a key in the address is tried at once. */
const REFUSED_RETRY_MS = 10_000;
const EVENTS = /** @type {const} */ (['snapshot', 'points', 'stages', 'alerts', 'fates', 'heartbeat']);

/** The one connection to `/v1/live`. It comes back by itself and goes on after the last event it has seen. */
export class LiveConnection {
  /** @type {EventSource | undefined} */
  #source;
  /** @type {number | undefined} */
  #timer;
  #lastEventId = '';
  /** @type {ConnectionState} */
  #state = 'connecting';
  #parameters = new URLSearchParams();
  #onEvent;
  #onState;

  /**
   * @param {<K extends keyof LiveEvents>(type: K, data: LiveEvents[K]) => void} onEvent
   * @param {(state: ConnectionState, refusal?: Refusal) => void} onState
   */
  constructor(onEvent, onState) {
    this.#onEvent = onEvent;
    this.#onState = onState;
    addEventListener('online', () => this.#connect());
    // A laptop that wakes up: the old connection is often dead without having said so.
    document.addEventListener('visibilitychange', () => {
      if (!document.hidden && this.#source?.readyState !== EventSource.OPEN) this.#connect();
    });
  }

  /**
   * Listens to this from now on.
   *
   * @param {{pipeline?: string | undefined, stream?: string | undefined}} subject
   */
  open(subject) {
    this.#parameters = new URLSearchParams();
    for (const [name, value] of Object.entries(subject)) if (value) this.#parameters.set(name, value);
    this.#lastEventId = '';
    this.#enter('connecting');
    this.#connect();
  }

  /** Tries at once, as with another key. */
  again() {
    this.#enter('connecting');
    this.#connect();
  }

  #connect() {
    this.#source?.close();
    const parameters = new URLSearchParams(this.#parameters);
    if (this.#lastEventId !== '') parameters.set('lastEventId', this.#lastEventId);
    const source = new EventSource(`/v1/live?${parameters.toString()}`);
    this.#source = source;
    for (const type of EVENTS) {
      source.addEventListener(type, (event) => {
        if (source === this.#source) this.#receive(type, /** @type {MessageEvent<string>} */ (event));
      });
    }
    source.onerror = () => {
      if (source === this.#source) void this.#retry(source);
    };
    this.#watch(SILENCE_MS);
  }

  /**
   * @template {keyof LiveEvents} K
   * @param {K} type
   * @param {MessageEvent<string>} event
   */
  #receive(type, event) {
    this.#lastEventId = event.lastEventId;
    this.#watch(SILENCE_MS);
    this.#enter('live');
    this.#onEvent(type, JSON.parse(event.data));
  }

  /** @param {EventSource} source that has failed */
  async #retry(source) {
    source.close();
    if (this.#state !== 'refused') this.#enter('reconnecting');
    this.#watch(RETRY_MS);
    const refusal = await askWhyRefused();
    if (source !== this.#source) return;
    if (refusal === undefined) {
      this.#enter('reconnecting');
      return;
    }
    this.#enter('refused', refusal);
    this.#watch(REFUSED_RETRY_MS);
  }

  /**
   * @param {ConnectionState} state
   * @param {Refusal} [refusal]
   */
  #enter(state, refusal) {
    this.#state = state;
    this.#onState(state, refusal);
  }

  /** @param {number} delayMs */
  #watch(delayMs) {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      if (this.#state !== 'refused') this.#enter('reconnecting');
      this.#connect();
    }, delayMs);
  }
}
