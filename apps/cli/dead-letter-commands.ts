import type { Command } from 'commander';
import { integerFrom, URL_OPTION } from './command-options.js';
import { deadLetters, type DeadLettersOptions, showDeadLetter } from './dead-letters.js';
import type { ExitCode } from './exit-code.js';
import { redrive, type RedriveOptions } from './redrive.js';
import type { Terminal } from './terminal.js';

/** Adds `millrace dead-letters list|show|redrive`; without a word behind it, it lists. */
export function addDeadLetters(
  program: Command,
  terminal: Terminal,
  end: (exitCode: ExitCode) => void,
): void {
  const command = program
    .command('dead-letters')
    .description('list, show and send again what could not be processed');
  command
    .command('list', { isDefault: true })
    .description('newest first')
    .option(...URL_OPTION)
    .option('--pipeline <name>', 'only of this pipeline')
    .option('--stream <name>', 'only of this stream')
    .option('--code <code>', 'only with this code')
    .option('--limit <count>', 'at most so many, 1 to 1000', integerFrom(1, 1_000), 100)
    .option('--json', 'one JSON object a line')
    .action(async (options: DeadLettersOptions) => end(await deadLetters(options, terminal)));
  command
    .command('show')
    .description('everything about one, its original included')
    .argument('<id>', 'as list --json gives it')
    .option(...URL_OPTION)
    .action(async (id: string, options: { readonly url: string }) =>
      end(await showDeadLetter(id, options, terminal)),
    );
  addRedrive(command, terminal, end);
}

function addRedrive(command: Command, terminal: Terminal, end: (exitCode: ExitCode) => void): void {
  command
    .command('redrive')
    .description('send them again, each at most once: named ones, or those that the options choose')
    .argument('[id...]', 'ids of dead letters')
    .option(...URL_OPTION)
    .option('--pipeline <name>', 'those of this pipeline')
    .option('--stream <name>', 'only of this stream')
    .option('--code <code>', 'only with this code')
    .option('--from <time>', 'only of this time or later, ISO 8601 or epoch milliseconds')
    .option('--to <time>', 'only of before this time')
    .option('--limit <count>', 'send at most so many, 1 to 10000', integerFrom(1, 10_000), 1_000)
    .option('--dry-run', 'only say what would be done')
    .option('--json', 'the whole answer as JSON')
    .action(async (ids: string[], options: RedriveOptions) => end(await redrive(ids, options, terminal)));
}
