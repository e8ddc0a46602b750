// The apps as processes: started together, ended together; one that dies is named with its reason.

import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { DIST, node24 } from '../workspace.mjs';

/** The apps end within MILLRACE_DRAIN_TIMEOUT (30 s) by themselves. */
const KILL_AFTER_MS = 45_000;
const KEPT_LINES = 12;
const READY = 'app is ready';

export class AppProcesses {
  #view;
  #running = new Map();
  #notReady = new Set();
  #isStopping = false;
  #isClean = true;
  #onDeath;
  #onReady;
  #onEnd;
  /** Resolves with a sentence when an app ends that nobody has stopped. */
  died = new Promise((done) => (this.#onDeath = done));
  /** Resolves when each of them can be used. */
  allReady = new Promise((done) => (this.#onReady = done));
  /** Resolves with a sentence when none is left. */
  allEnded = new Promise((done) => (this.#onEnd = done));

  constructor(view) {
    this.#view = view;
  }

  /** One of the apps, or another program that starts and ends as they do. */
  start({ name, app, port, program = join(DIST, 'apps', app, 'main.js') }, settings) {
    const child = spawn(node24(), [program], {
      env: { ...process.env, ...settings, MILLRACE_PORT: String(port) },
      // The channel: an app ends when we are gone, however we went.
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    });
    this.#running.set(name, child);
    this.#notReady.add(name);
    this.#view.say(`${name} is process ${child.pid}, at port ${port}`);
    const errors = [];
    createInterface({ input: child.stdout }).on('line', (line) => this.#hear(name, line));
    createInterface({ input: child.stderr }).on('line', (line) => {
      errors.push(line);
      if (errors.length > KEPT_LINES) errors.shift();
      this.#view.line(name, line);
    });
    child.once('error', (error) => this.#end(name, `can't be started: ${error.message}`));
    // Not `exit`: what it has written last is read first.
    child.once('close', (code, signal) => this.#ended({ name, code, signal, errors }));
  }

  /** True if each has ended with 0. */
  async stopAll() {
    this.#isStopping = true;
    const children = [...this.#running.values()];
    const closed = children.map((child) => new Promise((done) => child.once('close', done)));
    for (const child of children) child.kill('SIGTERM');
    const tooLong = setTimeout(() => {
      for (const [name, child] of this.#running) {
        this.#view.say(`${name} does not end; killing it`);
        child.kill('SIGKILL');
      }
    }, KILL_AFTER_MS);
    await Promise.all(closed);
    clearTimeout(tooLong);
    return this.#isClean;
  }

  #hear(name, line) {
    this.#view.line(name, line);
    if (!line.includes(READY)) return;
    this.#notReady.delete(name);
    if (this.#notReady.size === 0) this.#onReady();
  }

  #ended({ name, code, signal, errors }) {
    if (code === 0) {
      const others = this.#isStopping ? '' : ': somebody has stopped it; the others go on';
      return this.#end(name, `has ended${others}`);
    }
    this.#isClean = false;
    const how = signal === null ? `with exit code ${code}` : `by ${signal}`;
    const why = errors.length === 0 ? '' : `:\n${errors.join('\n')}`;
    this.#end(name, `has ended ${how}${why}`);
    if (!this.#isStopping) this.#onDeath(`${name} has ended ${how}`);
  }

  #end(name, what) {
    this.#running.delete(name);
    this.#view.say(`${name} ${what}`);
    if (this.#running.size === 0) this.#onEnd('no app is left');
  }
}
