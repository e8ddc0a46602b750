import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

/** What Linux counts processor time in. */
const TICK_MS = 10;

/** A server of the comparison, in a process of its own. */
export class ServerProcess {
  private constructor(
    private readonly child: ChildProcess,
    readonly url: string,
    private readonly folder: string,
  ) {}

  /** Millrace's ingest as it is deployed, over the embedded log. */
  static async ingest(): Promise<ServerProcess> {
    return await ServerProcess.#start(join(import.meta.dirname, '../../apps/ingest/main.js'));
  }

  /** Fastify alone, which parses the bodies and answers. */
  static async bareFastify(): Promise<ServerProcess> {
    return await ServerProcess.#start(join(import.meta.dirname, 'bare-fastify.js'));
  }

  static async #start(script: string): Promise<ServerProcess> {
    const folder = mkdtempSync(join(tmpdir(), 'millrace-bench-'));
    const environment = { PATH: process.env['PATH'], MILLRACE_PORT: '0', MILLRACE_DATA_DIR: folder };
    const child = spawn(process.execPath, [script], {
      env: environment,
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const url = await new Promise<string>((found, refused) => {
      createInterface({ input: child.stdout }).on('line', (line) => {
        const [address] = /http:\/\/[\w.]+:\d+/.exec(line) ?? [];
        if (address !== undefined) found(address.replace('localhost', '127.0.0.1'));
      });
      child.once('exit', (code) => refused(new Error(`${script} ended with ${code}`)));
    });
    return new ServerProcess(child, url, folder);
  }

  /** The processor time that all of its threads have had so far, in steps of 10 ms. Linux only. */
  processorMs(): number {
    const text = readFileSync(`/proc/${this.child.pid}/stat`, 'utf8');
    // The name of the program, in brackets, may hold anything; behind it are 11 fields, then what user and kernel took.
    const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
    return (Number(fields[11]) + Number(fields[12])) * TICK_MS;
  }

  /** The most memory it has had so far. Linux only. */
  residentMaximumBytes(): number {
    const [, kilobytes = 'NaN'] =
      /VmHWM:\s+(\d+) kB/.exec(readFileSync(`/proc/${this.child.pid}/status`, 'utf8')) ?? [];
    return Number(kilobytes) * 1024;
  }

  async stop(): Promise<void> {
    this.child.kill('SIGTERM');
    if (this.child.exitCode === null) await once(this.child, 'exit');
    rmSync(this.folder, { recursive: true, force: true });
  }
}
