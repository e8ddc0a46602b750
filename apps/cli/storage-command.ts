import type { Command } from 'commander';
import type { ExitCode } from './exit-code.js';
import { runAudit, runStorage, type StorageAction } from './storage.js';
import type { Terminal } from './terminal.js';

const ACTIONS: Readonly<Record<StorageAction, string>> = {
  plan: 'show what would be made or changed in the database, and change nothing',
  apply: 'make what is missing in the database and change what differs',
  check: 'like plan, with exit code 1 where anything is to be done',
};

const SETTINGS_HELP = `
Settings are those of the apps, from the environment or as options, among them:
  --store <url>             mongodb://host:27017/?replicaSet=rs0 (MILLRACE_STORE)
  --store-database <name>   where the address names none (MILLRACE_STORE_DATABASE)
  --store-retention <d>     how long rows are kept (MILLRACE_STORE_RETENTION)
  --pipelines <files>       pipeline files, with commas between (MILLRACE_PIPELINES)

Exit codes: 0 done, 1 something is to be done or wrong, 2 wrong settings, 3 the database does not answer`;

/** `millrace storage plan | apply | check` and `millrace audit`. */
export function addStorage(program: Command, terminal: Terminal, end: (exitCode: ExitCode) => void): void {
  const storage = program
    .command('storage')
    .description('collections and indexes that the pipelines need of MongoDB');
  for (const action of ['plan', 'apply', 'check'] as const) {
    storage
      .command(action)
      .description(ACTIONS[action])
      .option('--json', 'one JSON object a step')
      .allowUnknownOption()
      .allowExcessArguments()
      .addHelpText('after', SETTINGS_HELP)
      .action(async ({ json }: { json?: true }, command: Command) =>
        end(await runStorage(action, { isJson: json === true, args: command.args }, terminal)),
      );
  }
  program
    .command('audit')
    .description('compare the rows in MongoDB with the commits that delivered them')
    .option('--repair', 'insert the missing rows; nothing is removed or changed')
    .option('--json', 'the whole report as JSON')
    .allowUnknownOption()
    .allowExcessArguments()
    .addHelpText('after', SETTINGS_HELP)
    .action(async ({ json, repair }: { json?: true; repair?: true }, command: Command) =>
      end(await runAudit({ isJson: json === true, repair: repair === true, args: command.args }, terminal)),
    );
}
