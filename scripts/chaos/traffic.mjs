// Requests to a few hosts, as lines of JSON, by chance from a seed: visitors who come, click on and go, hosts that break for a
// while, and everything that may go wrong with a sender: events out of order, repeated, malformed, and far too late.

import { SeededRandom } from './seeded-random.mjs';

const HOSTS = Array.from({ length: 8 }, (_, i) => `host-${i}`);
const PATHS = Array.from({ length: 16 }, (_, i) => `/page/${i}`);
/** So many visitors come again and again. */
const VISITORS = 20_000;
const REQUESTS_OF_A_VISIT = 40;
/** An event may be so much behind its time; test/chaos/pipeline.yaml allows more. */
export const MAX_JITTER_MS = 5_000;
/** Behind every window and its lateness, whatever the watermark may be by test/chaos/pipeline.yaml. */
const FAR_TOO_LATE_MS = 75_000;
/** Three bad answers at once to one visitor make an alert, two do not. */
const INCIDENT_EVERY_MS = 2_000;
const INCIDENT_STATUS = 599;

export class Traffic {
  #random;
  #made = 0;
  #lastId = 0;
  #visits = [];
  #visitors = 0;
  #incidents = 0;
  #nextIncidentMs;
  #hosts;

  /** @param options `startMs`: the time of the first event; `rate`: events a second */
  constructor({ seed, startMs, rate }) {
    this.#random = new SeededRandom(seed, 'traffic');
    this.startMs = startMs;
    this.rate = rate;
    this.#nextIncidentMs = startMs + INCIDENT_EVERY_MS;
    this.#hosts = new Map(HOSTS.map((host) => [host, { isBroken: false, untilMs: startMs }]));
  }

  /** The time of the next event, if it is not behind its time. */
  get nextMs() {
    return this.startMs + Math.floor((this.#made * 1_000) / this.rate);
  }

  /** The next `size` events, and what comes with them. @param hasIncidents whether that is also what fires pattern alerts */
  batch(size, hasIncidents = true) {
    const lines = [];
    for (let i = 0; i < size; i++) {
      lines.push(this.#event());
      this.#made++;
    }
    if (hasIncidents) this.#addIncident(lines);
    if (this.#random.isTrue(0.5)) lines.splice(this.#random.between(0, lines.length), 0, this.#rubbish());
    // A sender that repeats itself within one request.
    if (this.#random.isTrue(0.1)) lines.push(this.#random.pick(lines));
    return lines;
  }

  #event() {
    const random = this.#random;
    const { nextMs } = this;
    const host = random.pick(HOSTS);
    const status = random.isTrue(this.#errorShare(host, nextMs)) ? 503 : 200;
    const path = random.isTrue(0.01) ? '/health' : random.pick(PATHS);
    return this.#line({ timeMs: this.#timeMs(nextMs), userId: this.#visitor(), host, path, status });
  }

  #timeMs(nextMs) {
    const random = this.#random;
    if (nextMs - this.startMs > FAR_TOO_LATE_MS + MAX_JITTER_MS && random.isTrue(0.0005))
      return nextMs - FAR_TOO_LATE_MS;
    return random.isTrue(0.1) ? Math.max(this.startMs, nextMs - random.between(1, MAX_JITTER_MS)) : nextMs;
  }

  #line({ timeMs, userId, host, path, status }) {
    const random = this.#random;
    const data = {
      method: random.isTrue(0.9) ? 'GET' : 'POST',
      path,
      status,
      bytes: random.between(100, 20_000),
      durationMs: random.between(1, 2_000),
      host,
      userId,
    };
    this.#lastId++;
    return JSON.stringify({ id: `e-${this.#lastId}`, time: timeMs, key: userId, data });
  }

  /** About one event a second for each who is there. */
  #visitor() {
    const random = this.#random;
    const place = random.between(0, this.rate - 1);
    const visit = this.#visits[place];
    if (visit !== undefined && visit.left-- > 0) return visit.userId;
    const userId = `u-${this.#visitors++ % VISITORS}`;
    this.#visits[place] = { userId, left: random.between(0, 2 * REQUESTS_OF_A_VISIT) };
    return userId;
  }

  #errorShare(host, timeMs) {
    const state = this.#hosts.get(host);
    while (timeMs >= state.untilMs) {
      state.isBroken = !state.isBroken && state.untilMs > this.startMs;
      state.untilMs += this.#random.between(1_000, state.isBroken ? 14_000 : 20_000);
    }
    return state.isBroken ? 0.6 : 0.02;
  }

  #addIncident(lines) {
    const { nextMs } = this;
    if (nextMs < this.#nextIncidentMs) return;
    this.#nextIncidentMs = nextMs + INCIDENT_EVERY_MS;
    const userId = `p-${this.#incidents++}`;
    const host = this.#random.pick(HOSTS);
    const incident = { timeMs: nextMs, userId, host, path: '/checkout', status: INCIDENT_STATUS };
    for (let count = this.#random.isTrue(0.3) ? 2 : 3; count > 0; count--) lines.push(this.#line(incident));
  }

  /** What ingest can't take for an event. */
  #rubbish() {
    const good = JSON.parse(
      this.#line({ timeMs: this.nextMs, userId: 'nobody', host: 'none', path: '/', status: 200 }),
    );
    const { id: _id, ...nameless } = good;
    return this.#random.pick([
      () => `{"id":"${good.id}","time":`,
      () => JSON.stringify([good]),
      () => JSON.stringify({ ...good, data: { ...good.data, status: 700 } }),
      () => JSON.stringify({ ...nameless, data: { ...good.data, path: 'index' } }),
      () => JSON.stringify({ ...good, time: 'yesterday' }),
    ])();
  }
}
