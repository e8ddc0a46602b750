import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { createInterface } from 'node:readline';

const MAIN = resolve(import.meta.dirname, '../../dist/apps/standalone/main.js');

/** Then the test that waits for it is over, and nobody else would end it. */
const LISTENS_WITHIN_MS = 240_000;

/** A data folder of its own for one test; remove it after. */
export function temporaryFolder(): string {
  return mkdtempSync(join(tmpdir(), 'millrace-e2e-'));
}

export function removeFolder(folder: string): void {
  rmSync(folder, { recursive: true, force: true });
}

/** `standalone` as users run it: a process of its own, on a free port, over real files. */
export class StandaloneProcess {
  private constructor(
    private readonly child: ChildProcess,
    readonly url: string,
    private readonly errors: string[],
  ) {}

  /** Resolves when it listens. Rejects with what it printed if it ends before, or is ended for taking too long. */
  static async start(
    dataDir: string,
    settings: Readonly<Record<string, string>> = {},
  ): Promise<StandaloneProcess> {
    if (!existsSync(MAIN)) throw new Error(`${MAIN} is missing: run npm run build first`);
    const child = spawn(process.execPath, [MAIN], {
      env: {
        ...ownEnvironment(),
        MILLRACE_PORT: '0',
        MILLRACE_DATA_DIR: dataDir,
        MILLRACE_DEMO: 'false',
        ...settings,
      },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const errors: string[] = [];
    child.stderr.setEncoding('utf8').on('data', (text: string) => errors.push(text));
    const url = await addressOf(child, errors).catch((error: unknown) => {
      child.kill('SIGKILL');
      throw error;
    });
    return new StandaloneProcess(child, url, errors);
  }

  /** Resolves when it has ended, with its exit code or the signal that ended it. */
  get ended(): Promise<number | NodeJS.Signals | null> {
    const { exitCode, signalCode } = this.child;
    if (exitCode !== null || signalCode !== null) return Promise.resolve(signalCode ?? exitCode);
    return once(this.child, 'exit').then(() => this.child.signalCode ?? this.child.exitCode);
  }

  get pid(): number {
    return this.child.pid ?? -1;
  }

  /** What it wrote to standard error so far. */
  get standardError(): string {
    return this.errors.join('');
  }

  /** Ends it like a power cut. */
  async kill(): Promise<void> {
    await this.#end('SIGKILL');
  }

  /** Ends it as an orchestrator would; the exit code. */
  async stop(): Promise<number | null> {
    await this.#end('SIGTERM');
    return this.child.exitCode;
  }

  async #end(signal: NodeJS.Signals): Promise<void> {
    if (this.child.exitCode !== null || this.child.signalCode !== null) return;
    const ended = once(this.child, 'exit');
    this.child.kill(signal);
    await ended;
  }
}

function addressOf(child: ChildProcess, errors: readonly string[]): Promise<string> {
  return new Promise<string>((listens, refused) => {
    const tooLong = `standalone did not listen within ${LISTENS_WITHIN_MS / 1_000} s: `;
    const limit = setTimeout(() => refused(new Error(tooLong + errors.join(''))), LISTENS_WITHIN_MS);
    createInterface({ input: child.stdout! }).on('line', (line) => {
      const [address] = /http:\/\/localhost:\d+/.exec(line) ?? [];
      if (address === undefined) return;
      clearTimeout(limit);
      listens(address);
    });
    child.once('exit', (code, signal) => {
      clearTimeout(limit);
      refused(new Error(`standalone ended with ${signal ?? code}: ${errors.join('')}`));
    });
  });
}

/** Without the settings of whoever runs the tests. */
function ownEnvironment(): Record<string, string | undefined> {
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('MILLRACE_')));
}
