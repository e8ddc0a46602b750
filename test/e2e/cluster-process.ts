import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { resolve } from 'node:path';
import { createInterface } from 'node:readline';

const ROOT = resolve(import.meta.dirname, '../..');

/** A program of this repository as a process of its own; its output is read line by line. */
export class ClusterProcess {
  readonly lines: string[] = [];
  readonly #waiting = new Set<() => void>();
  readonly #ended: Promise<number | null>;

  private constructor(private readonly child: ChildProcess) {
    this.#ended = once(child, 'close').then(() => child.exitCode);
    for (const stream of [child.stdout, child.stderr]) {
      if (stream !== null) createInterface({ input: stream }).on('line', (line) => this.#hear(line));
    }
    void this.#ended.then(() => this.#tell());
  }

  /** Without the settings of whoever runs the tests. */
  static start(args: readonly string[], settings: Readonly<Record<string, string>>): ClusterProcess {
    const own = Object.entries(process.env).filter(([name]) => !name.startsWith('MILLRACE_'));
    const env = { ...Object.fromEntries(own), ...settings };
    const stdio: ['ignore', 'pipe', 'pipe'] = ['ignore', 'pipe', 'pipe'];
    return new ClusterProcess(spawn(process.execPath, [...args], { cwd: ROOT, env, stdio }));
  }

  /** One app at a port of its own. */
  static app(name: string, settings: Readonly<Record<string, string>>): ClusterProcess {
    return ClusterProcess.start([`dist/apps/${name}/main.js`], { MILLRACE_PORT: '0', ...settings });
  }

  /** The first line that fits, written or still to come. Rejects with everything that was written if it ends before. */
  async line(pattern: RegExp): Promise<RegExpExecArray> {
    for (;;) {
      for (const line of this.lines) {
        const found = pattern.exec(line);
        if (found !== null) return found;
      }
      if (this.child.exitCode !== null || this.child.signalCode !== null)
        throw new Error(`ended without a line like ${String(pattern)}:\n${this.lines.join('\n')}`);
      await new Promise<void>((done) => this.#waiting.add(done));
    }
  }

  /** The facts of the log that have this message, once there are so many of them from place `from` on. */
  async facts(
    message: string,
    count: number,
    from = 0,
  ): Promise<readonly Readonly<Record<string, unknown>>[]> {
    for (;;) {
      const found = this.lines.slice(from).flatMap((line) => {
        if (!line.startsWith('{') || !line.includes(message)) return [];
        return [JSON.parse(line) as Record<string, unknown>];
      });
      if (found.length >= count) return found;
      if (this.child.exitCode !== null || this.child.signalCode !== null)
        throw new Error(`ended with ${found.length} of ${count} '${message}':\n${this.lines.join('\n')}`);
      await new Promise<void>((done) => this.#waiting.add(done));
    }
  }

  /** The address, once it can be used. */
  async url(): Promise<string> {
    const [, url = ''] = await this.line(/app is ready|open http/).then(() =>
      this.line(/(http:\/\/localhost:\d+).*(?:app is ready|$)/),
    );
    return url;
  }

  get pid(): number {
    return this.child.pid ?? NaN;
  }

  /** The exit code; null: a signal has ended it. */
  get ended(): Promise<number | null> {
    return this.#ended;
  }

  async stop(): Promise<number | null> {
    this.child.kill('SIGTERM');
    return this.#ended;
  }

  async kill(): Promise<void> {
    this.child.kill('SIGKILL');
    await this.#ended;
  }

  #hear(line: string): void {
    this.lines.push(line);
    this.#tell();
  }

  #tell(): void {
    for (const wake of this.#waiting) wake();
    this.#waiting.clear();
  }
}
