import type { Command } from 'commander';
import { basename, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { URL_OPTION } from './command-options.js';
import { EXIT_CODE, type ExitCode } from './exit-code.js';
import { LineSender } from './tail/line-sender.js';
import { LogFollower } from './tail/log-follower.js';
import { keyedAddress } from './keyed-address.js';
import type { Terminal } from './terminal.js';

export interface TailFileOptions {
  /** Of ingest or standalone, e.g. `http://127.0.0.1:3000`. */
  readonly url: string;
  readonly stream: string;
  readonly key?: string;
  readonly format?: string;
  /** Where it is kept how far the log has been sent. */
  readonly state?: string;
  readonly fromEnd?: boolean;
}

/** Follows a log and sends its lines, until it is told to stop. */
export async function tailFile(
  path: string,
  options: TailFileOptions,
  { terminal, signal }: { readonly terminal: Terminal; readonly signal: AbortSignal },
): Promise<ExitCode> {
  const complain = (text: string): void => terminal.complain(text);
  const pause = async (delayMs: number): Promise<void> => {
    await sleep(delayMs, undefined, { signal }).catch(() => undefined);
  };
  const { stream, format } = options;
  const { url, key } = keyedAddress(options.url, options.key);
  const sender = new LineSender({ url, stream, key, format, pause, complain, signal });
  const follower = new LogFollower({
    path: resolve(path),
    statePath: resolve(options.state ?? `.millrace-tail-${stream}-${basename(path)}.json`),
    isFromEnd: options.fromEnd === true,
    send: (batch, lines) => sender.send(batch, lines),
    ...{ pause, complain, signal },
  });
  try {
    const problem = await follower.run();
    if (problem === undefined) return EXIT_CODE.done;
    complain(problem);
    return EXIT_CODE.unavailable;
  } catch (error) {
    complain((error as Error).message);
    return EXIT_CODE.refused;
  }
}

/** `millrace tail-file <path> --stream web`. */
export function addTailFile(program: Command, terminal: Terminal, end: (exitCode: ExitCode) => void): void {
  program
    .command('tail-file')
    .description(
      'follow a growing log and send its lines, each once, through rotation, truncation and crashes',
    )
    .argument('<path>', 'the log')
    .requiredOption('--stream <name>', 'the stream')
    .option(...URL_OPTION)
    .option('--key <key>', 'a key with the scope ingest:<stream>')
    .option('--format <name>', 'only lines of this format; default: found from each line')
    .option(
      '--state <file>',
      'where it is kept how far the log is sent; default: .millrace-tail-<stream>-<log>.json here',
    )
    .option('--from-end', 'of a log that was never followed, send only what comes from now on')
    .action(async (path: string, options: TailFileOptions) => {
      const stop = new AbortController();
      const onSignal = (): void => stop.abort();
      process.once('SIGTERM', onSignal).once('SIGINT', onSignal);
      end(await tailFile(path, options, { terminal, signal: stop.signal }));
      process.off('SIGTERM', onSignal).off('SIGINT', onSignal);
    });
}
