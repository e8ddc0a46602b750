// The broker and the database of a run, which may be ended and started again over their data at the same ports.

import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { freePort } from '../servers/free-port.mjs';
import { fetchMongod, startMember, startReplicaSet } from '../servers/mongod-server.mjs';
import { fetchPulsar, startPulsar } from '../servers/pulsar-server.mjs';
import { stopProcess } from '../servers/server-process.mjs';

/** Below the ports that systems give to connections, which could take one while its server is down. */
async function quietPort() {
  for (;;) {
    const wanted = 10_000 + Math.floor(20_000 * Math.random());
    if ((await freePort(wanted)) === wanted) return wanted;
  }
}

export class OwnBroker {
  #options;
  #server;

  static async start(folder) {
    const broker = new OwnBroker();
    const ports = { broker: await quietPort(), web: await quietPort() };
    broker.#options = { folder, ports, install: await fetchPulsar() };
    broker.#server = await startPulsar(broker.#options);
    return broker;
  }

  get addresses() {
    return this.#server.addresses;
  }

  /** @param signal SIGTERM: in order; SIGKILL: like a power cut */
  async stop(signal = 'SIGKILL') {
    for (const pid of this.#server.pids) await stopProcess(pid, signal);
  }

  async startAgain() {
    this.#server = await startPulsar(this.#options);
  }
}

/** A replica set of one node: three would take the time that the apps need on a small machine. */
export class OwnDatabase {
  #place;
  #pid;

  static async start(folder) {
    const database = new OwnDatabase();
    mkdirSync(folder, { recursive: true });
    database.#place = { folder, port: await quietPort(), program: await fetchMongod() };
    const { pids } = await startReplicaSet({ ...database.#place, ports: [database.#place.port] });
    database.#pid = pids[0];
    return database;
  }

  get port() {
    return this.#place.port;
  }

  async stop(signal = 'SIGKILL') {
    await stopProcess(this.#pid, signal);
  }

  async startAgain() {
    this.#pid = await startMember(this.#place);
  }
}

/** Both, in folders of their own under `folder`. What was started is added to `closers`. */
export async function startOwnServers(folder, closers) {
  const database = await OwnDatabase.start(join(folder, 'mongodb'));
  closers.push(() => database.stop());
  const broker = await OwnBroker.start(join(folder, 'pulsar'));
  closers.push(() => broker.stop());
  return { broker, database };
}
