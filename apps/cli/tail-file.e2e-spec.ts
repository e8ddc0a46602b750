import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { appendFileSync, existsSync, mkdtempSync, renameSync, rmSync, truncateSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';

// The command as it runs, killed at moments that a seed chooses, against an ingest that keeps what a line is known by. It
// drops repeats of an id as enrich does; whatever comes under two ids, or under none, is seen.

const MAIN = resolve(import.meta.dirname, '../../dist/apps/cli/main.js');
/** All of them where there is time. */
const KILLS = (fc.readConfigureGlobal().numRuns ?? 200) >= 2_000 ? 50 : 10;

/** Mulberry32: small, and the same on every machine. */
function randomOf(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

let folder: string;
let log: string;
let server: Server;
let received: Map<string, string>;
let repeats: number;
let conflicts: string[];
let changed: () => void;
let child: ChildProcess | undefined;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'millrace-tail-'));
  log = join(folder, 'access.log');
  received = new Map();
  repeats = 0;
  conflicts = [];
  changed = () => undefined;
  const random = randomOf(7);
  server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const lines = Buffer.concat(chunks)
        .toString()
        .split('\n')
        .filter((line) => line !== '');
      for (const [index, line] of lines.entries()) {
        const id = `${String(request.headers['idempotency-key'])}:${index + 1}`;
        if (received.has(id)) repeats++;
        const known = received.get(id) ?? line;
        if (known !== line) conflicts.push(`${id}: ${known} and ${line}`);
        received.set(id, line);
      }
      changed();
      // It is stored; the answer may be late, or lost.
      if (random() < 0.2) response.destroy();
      else
        setTimeout(
          () => response.writeHead(202).end(`{"accepted": ${lines.length}, "rejected": 0}`),
          random() * 60,
        );
    });
  });
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
});

afterEach(() => {
  child?.kill('SIGKILL');
  server.closeAllConnections();
  server.close();
  rmSync(folder, { recursive: true });
});

function start(): ChildProcess {
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const args = ['tail-file', log, '--stream', 'web', '--url', url, '--state', join(folder, 'state.json')];
  return spawn(process.execPath, [MAIN, ...args], { stdio: 'ignore' });
}

/** Resolves when everything that was written has arrived. */
async function arrived(written: readonly string[]): Promise<void> {
  await new Promise<void>((done) => {
    const look = (): void => {
      if (new Set(received.values()).size >= written.length) done();
    };
    changed = look;
    look();
  });
}

describe('millrace tail-file', () => {
  it(`sends each line once, through rotation, truncation and ${KILLS} kills`, async () => {
    if (!existsSync(MAIN)) throw new Error(`${MAIN} is missing: run npm run build first`);
    const random = randomOf(20_261_122);
    const written: string[] = [];
    const write = (count: number): void => {
      const lines = Array.from({ length: count }, () => `line ${written.push(`line ${written.length}`) - 1}`);
      appendFileSync(log, `${lines.join('\n')}\n`);
    };
    let rotations = 0;
    for (let kill = 0; kill < KILLS; kill++) {
      write(1 + Math.floor(random() * 200));
      const begun = new Promise<void>((asked) => (changed = asked));
      child = start();
      const died = once(child, 'exit');
      await begun;
      const steps = Math.floor(random() * 4);
      for (let step = 0; step < steps; step++) {
        await new Promise((passed) => setTimeout(passed, random() * 100));
        if (random() < 0.2) renameSync(log, `${log}.${++rotations}`);
        write(1 + Math.floor(random() * 50));
      }
      await new Promise((passed) => setTimeout(passed, random() * 60));
      if (kill % 10 === 9) {
        // What was emptied before it was read is nowhere: so this waits. Whether it knows that its lines have come is its affair.
        await arrived(written);
        truncateSync(log);
        write(1 + Math.floor(random() * 300));
      }
      child.kill('SIGKILL');
      await died;
    }
    child = start();
    await arrived(written);
    expect(conflicts).toEqual([]);
    expect([...received.values()].sort()).toEqual([...written].sort());
    expect(rotations).toBeGreaterThan(0);
    expect(repeats).toBeGreaterThan(0);
  }, 1_200_000);
});
