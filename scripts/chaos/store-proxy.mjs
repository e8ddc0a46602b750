// A line from one process to the database, that can be slow, or silent as if a cable were pulled: nobody is told, nothing comes
// through, and what was under way arrives when it is plugged in again.

import { connect, createServer } from 'node:net';

const HOST = '127.0.0.1';

export class StoreProxy {
  #server;
  #sockets = new Set();
  #flows = new Set();
  #isCut = false;
  #delayMs = 0;

  /** @param targetPort of the database */
  static async open(targetPort) {
    const proxy = new StoreProxy();
    proxy.#server = createServer({ allowHalfOpen: true }, (near) =>
      proxy.#join(near, connect({ port: targetPort, host: HOST, allowHalfOpen: true })),
    );
    await new Promise((done, fail) => {
      proxy.#server.once('error', fail);
      proxy.#server.listen(0, HOST, done);
    });
    return proxy;
  }

  get port() {
    return this.#server.address().port;
  }

  cut() {
    this.#isCut = true;
  }

  /** Each message takes so much longer, each way. */
  slow(delayMs) {
    this.#delayMs = delayMs;
  }

  heal() {
    this.#isCut = false;
    this.#delayMs = 0;
    for (const flow of this.#flows) flow();
  }

  async close() {
    for (const socket of this.#sockets) socket.destroy();
    await new Promise((done) => this.#server.close(done));
  }

  #join(near, far) {
    const pairs = [
      [near, far],
      [far, near],
    ];
    for (const [from, to] of pairs) {
      this.#sockets.add(from);
      const flow = this.#relay(from, to);
      this.#flows.add(flow);
      to.once('close', () => this.#flows.delete(flow));
      from.once('close', () => this.#sockets.delete(from));
    }
  }

  /** Passes on what comes, in order, the end too. Gives what is to be called when the line has changed. */
  #relay(from, to) {
    const waiting = [];
    let timer;
    const flow = () => {
      clearTimeout(timer);
      timer = undefined;
      while (waiting.length > 0 && !this.#isCut) {
        const leftMs = waiting[0].atMs + this.#delayMs - performance.now();
        if (leftMs > 0) {
          timer = setTimeout(flow, leftMs);
          return;
        }
        waiting.shift().pass();
      }
    };
    const take = (pass) => {
      waiting.push({ pass, atMs: performance.now() });
      if (timer === undefined) flow();
    };
    from.on('data', (data) => take(() => to.write(data)));
    from.on('end', () => take(() => to.end()));
    from.on('error', () => undefined);
    from.on('close', () => take(() => to.destroy()));
    return flow;
  }
}
