import { execFile } from 'node:child_process';
import { resolve } from 'node:path';

const PROGRAM = resolve(import.meta.dirname, '../../dist/apps/cli/main.js');

/** What a command has printed, and its exit code. */
export interface CommandRun {
  readonly exitCode: number;
  readonly out: string;
  readonly complaints: string;
}

/** `millrace …` as operators type it: the program itself, without the settings of whoever runs the tests. */
export function millrace(...args: readonly string[]): Promise<CommandRun> {
  const env = Object.fromEntries(
    Object.entries(process.env).filter(([name]) => !name.startsWith('MILLRACE_')),
  );
  return new Promise((done) => {
    execFile(process.execPath, [PROGRAM, ...args], { env }, (error, out, complaints) =>
      done({ exitCode: error === null ? 0 : Number(error.code), out, complaints }),
    );
  });
}
