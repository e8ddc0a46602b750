import type { Command } from 'commander';
import { integerFrom, URL_OPTION } from './command-options.js';
import type { ExitCode } from './exit-code.js';
import { type KeysOptions, listKeys, makeKey, type NewKeyOptions, revokeKey, rotateKey } from './keys.js';
import type { Terminal } from './terminal.js';

const KEY_OPTION = [
  '--key <key>',
  'a key with the scope admin; not needed as long as there is none',
] as const;
const JSON_OPTION = ['--json', 'as JSON'] as const;
const MAX_EVENTS = 1_000_000_000_000;

/** `millrace keys make | list | rotate | revoke`. */
export function addKeys(program: Command, terminal: Terminal, end: (exitCode: ExitCode) => void): void {
  const keys = program
    .command('keys')
    .description('make, list, rotate and revoke keys of a running Millrace');
  const command = (name: string, description: string): Command =>
    keys
      .command(name)
      .description(description)
      .option(...URL_OPTION)
      .option(...KEY_OPTION)
      .option(...JSON_OPTION);
  command('make', 'make a key; its text is told this once')
    .requiredOption('--name <name>', 'whose it is')
    .requiredOption('--scope <scope...>', 'ingest:<stream>, ingest:*, read or admin')
    .option('--expires-in <duration>', 'so long it is in force, e.g. 90d; default: until revoked')
    .option('--events-per-second <count>', 'at most so many, on average', integerFrom(1, MAX_EVENTS))
    .option('--events-per-day <count>', 'at most so many a day (UTC)', integerFrom(1, MAX_EVENTS))
    .action(async (options: NewKeyOptions) => end(await makeKey(options, terminal)));
  command('list', 'every key, never their texts').action(async (options: KeysOptions) =>
    end(await listKeys(options, terminal)),
  );
  command('rotate', 'make a key in the place of another')
    .argument('<id>', 'the id of the key, its second part')
    .option('--overlap <duration>', 'so long the old one stays in force', '1d')
    .action(async (id: string, options: KeysOptions & { overlap: string }) =>
      end(await rotateKey(id, options, terminal)),
    );
  command('revoke', 'from now on the key opens nothing')
    .argument('<id>', 'the id of the key, its second part')
    .action(async (id: string, options: KeysOptions) => end(await revokeKey(id, options, terminal)));
}
