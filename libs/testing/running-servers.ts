import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe } from '@jest/globals';

/** Where the broker of `npm run services:up` is. */
export interface PulsarAddresses {
  /** `pulsar://127.0.0.1:…` */
  readonly native: string;
  /** `ws://127.0.0.1:…` */
  readonly webSocket: string;
  /** `http://127.0.0.1:…`, of the REST API */
  readonly admin: string;
}

/** Where the database of `npm run services:up` is. */
export interface MongodbAddresses {
  /** `mongodb://127.0.0.1:…/?replicaSet=…` */
  readonly driver: string;
}

interface Service<Addresses> {
  readonly pids: readonly number[];
  readonly addresses: Addresses;
}

interface Services {
  readonly pulsar?: Service<PulsarAddresses>;
  readonly mongodb?: Service<MongodbAddresses>;
}

/**
 * The text of a suite that is skipped is run all the same, to count its tests, and may make clients of what it is given:
 * addresses in order, of a machine that can't be.
 */
const NOWHERE = {
  pulsar: {
    native: 'pulsar://skipped.invalid:6650',
    webSocket: 'ws://skipped.invalid:8080',
    admin: 'http://skipped.invalid:8080',
  },
  mongodb: { driver: 'mongodb://skipped.invalid:27017/?replicaSet=skipped' },
};

/** A suite over the broker of `npm run services:up`; where none runs it is skipped, and the report says so. */
export function describeWithPulsar(title: string, suite: (addresses: PulsarAddresses) => void): void {
  const found = runningServices().pulsar?.addresses;
  const run = found === undefined ? describe.skip : describe;
  run(`${title} [needs broker]`, () => suite(found ?? NOWHERE.pulsar));
}

/** A suite over the database of `npm run services:up`; where none runs it is skipped, and the report says so. */
export function describeWithMongodb(title: string, suite: (addresses: MongodbAddresses) => void): void {
  const found = runningServices().mongodb?.addresses;
  const run = found === undefined ? describe.skip : describe;
  run(`${title} [needs mongodb]`, () => suite(found ?? NOWHERE.mongodb));
}

function runningServices(): Services {
  const { pulsar, mongodb } = recordedServices();
  return {
    ...(pulsar !== undefined && isUp(pulsar) ? { pulsar } : {}),
    ...(mongodb !== undefined && isUp(mongodb) ? { mongodb } : {}),
  };
}

function recordedServices(): Services {
  try {
    return JSON.parse(readFileSync(join(process.cwd(), '.services', 'services.json'), 'utf8')) as Services;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return {};
    throw error;
  }
}

function isUp({ pids }: Service<unknown>): boolean {
  return pids.every((pid) => {
    try {
      return process.kill(pid, 0);
    } catch {
      return false;
    }
  });
}
