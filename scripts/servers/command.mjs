// The three commands over the servers that tests and `npm run cluster` use. Where they run is written to
// `.services/services.json`, so that a second `up` finds them and specs know their addresses.

import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { main, ROOT, ScriptFailure } from '../workspace.mjs';
import { freePort } from './free-port.mjs';
import { fetchMongod, startReplicaSet } from './mongod-server.mjs';
import { fetchPulsar, startPulsar } from './pulsar-server.mjs';
import { isRunning, stopProcess } from './server-process.mjs';

const FOLDER = join(ROOT, '.services');
const RECORD = join(FOLDER, 'services.json');
const COMMANDS = { up, down, status };
const SERVICES = {
  pulsar: {
    start: async (folder) => {
      const ports = { broker: await freePort(6650), web: await freePort(8080) };
      return startPulsar({ folder, ports, install: await fetchPulsar() });
    },
    again: async (folder, { ports }) => startPulsar({ folder, ports, install: await fetchPulsar() }),
  },
  mongodb: {
    start: async (folder) =>
      startReplicaSet({ folder, ports: [await freePort(27017)], program: await fetchMongod() }),
    again: async (folder, { ports }) => startReplicaSet({ folder, ports, program: await fetchMongod() }),
  },
};

await main(async () => {
  const [command, ...rest] = process.argv.slice(2);
  const isJson = rest.includes('--json');
  const names = rest.filter((argument) => argument !== '--json');
  const unknown = names.find((name) => !(name in SERVICES));
  if (!(command in COMMANDS) || unknown !== undefined) {
    throw new ScriptFailure(
      `usage: npm run services:up | services:down | services:status [-- ${Object.keys(SERVICES).join(' ')}] [--json]` +
        (unknown === undefined ? '' : `; there is no service "${unknown}"`),
      2,
    );
  }
  return COMMANDS[command](names.length === 0 ? Object.keys(SERVICES) : names, isJson);
});

async function up(names, isJson) {
  mkdirSync(FOLDER, { recursive: true });
  for (const name of names) {
    const known = record()[name];
    if (known !== undefined && known.pids.every(isRunning)) continue;
    if (!isJson) console.log(`starting ${name} …`);
    const folder = join(FOLDER, name);
    // Ports of a former run are taken again: what its data says of addresses stays true.
    const started =
      known === undefined ? await SERVICES[name].start(folder) : await SERVICES[name].again(folder, known);
    write({ ...record(), [name]: started });
  }
  return status(names, isJson);
}

/** Stops the servers and forgets their data. */
async function down(names, isJson) {
  for (const name of names) {
    for (const pid of record()[name]?.pids ?? []) await stopProcess(pid);
    const { [name]: _stopped, ...others } = record();
    write(others);
    rmSync(join(FOLDER, name), { recursive: true, force: true });
  }
  return status(names, isJson, 0);
}

function status(names, isJson, codeWhenDown = 1) {
  const found = record();
  const services = Object.fromEntries(
    names.map((name) => {
      const isUp = found[name] !== undefined && found[name].pids.every(isRunning);
      return [name, isUp ? { state: 'up', ...found[name] } : { state: 'down' }];
    }),
  );
  if (isJson) console.log(JSON.stringify(services));
  else for (const [name, service] of Object.entries(services)) console.log(lineOf(name, service));
  return Object.values(services).every(({ state }) => state === 'up') ? 0 : codeWhenDown;
}

function lineOf(name, { state, addresses = {}, pids }) {
  const where = Object.values(addresses).join('  ');
  return state === 'up' ? `${name}: up  ${where}  (process ${pids.join(', ')})` : `${name}: down`;
}

function record() {
  try {
    return JSON.parse(readFileSync(RECORD, 'utf8'));
  } catch (error) {
    if (error.code === 'ENOENT') return {};
    throw error;
  }
}

function write(services) {
  mkdirSync(FOLDER, { recursive: true });
  writeFileSync(RECORD, `${JSON.stringify(services, null, 2)}\n`);
}
