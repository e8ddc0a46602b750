import { Command, CommanderError, InvalidArgumentError } from 'commander';
import { deadLetters, type DeadLettersOptions } from './dead-letters.js';
import { explainWindow, type ExplainWindowOptions } from './explain-window.js';
import { EXIT_CODE, type ExitCode } from './exit-code.js';
import type { Terminal } from './terminal.js';
import { addTopology } from './topology-command.js';
import { validate } from './validate.js';

/** Runs one command line (without `node` and the script). Never throws for what a person has typed. */
export async function runCommandLine(args: readonly string[], terminal: Terminal): Promise<ExitCode> {
  const outcome: { exitCode: ExitCode } = { exitCode: EXIT_CODE.done };
  const program = programFor(terminal, (exitCode) => (outcome.exitCode = exitCode));
  try {
    await program.parseAsync([...args], { from: 'user' });
    return outcome.exitCode;
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    return error.exitCode === 0 ? EXIT_CODE.done : EXIT_CODE.usage;
  }
}

function programFor(terminal: Terminal, end: (exitCode: ExitCode) => void): Command {
  const program = new Command('millrace')
    .description('Checks pipelines, makes their topics, and asks a running Millrace.')
    .exitOverride()
    .configureOutput({
      writeOut: (text) => terminal.out(text.trimEnd()),
      writeErr: (text) => terminal.complain(text.trimEnd()),
    });
  program
    .command('validate')
    .description('check pipeline files without starting anything')
    .argument('<file...>', 'pipeline files')
    .action((files: string[]) => end(validate(files, terminal)));
  program
    .command('dead-letters')
    .description('list what could not be processed, newest first')
    .option(...URL_OPTION)
    .option('--stream <name>', 'only of this stream')
    .option('--code <code>', 'only with this code')
    .option('--limit <count>', 'at most so many, 1 to 1000', readLimit, 100)
    .option('--json', 'one JSON object a line')
    .action(async (options: DeadLettersOptions) => end(await deadLetters(options, terminal)));
  addExplain(program, terminal, end);
  addTopology(program, terminal, end);
  return program;
}

function addExplain(program: Command, terminal: Terminal, end: (exitCode: ExitCode) => void): void {
  program
    .command('explain')
    .description('say why something is as it is')
    .command('window')
    .description('why a window is still open, and when it closes at the latest')
    .requiredOption('--series <name>', 'the series')
    .requiredOption('--stream <name>', 'the stream')
    .option('--pipeline <name>', 'its pipeline, where several have such a series')
    .option(
      '--window-start <time>',
      'where the window begins, ISO 8601 or epoch milliseconds; default: the oldest open one',
    )
    .option(...URL_OPTION)
    .option('--json', 'the whole answer as JSON')
    .action(async (options: ExplainWindowOptions) => end(await explainWindow(options, terminal)));
}

const URL_OPTION = [
  '--url <url>',
  'where the dashboard or standalone listens',
  readUrl,
  'http://127.0.0.1:3000',
] as const;

const MAX_LIMIT = 1_000;

function readLimit(text: string): number {
  const limit = Number(text);
  if (Number.isInteger(limit) && limit >= 1 && limit <= MAX_LIMIT) return limit;
  throw new InvalidArgumentError(`wanted a whole number from 1 to ${MAX_LIMIT}`);
}

function readUrl(text: string): string {
  if (/^https?:$/.test(URL.parse(text)?.protocol ?? '')) return text;
  throw new InvalidArgumentError('wanted an address such as http://127.0.0.1:3000');
}
