import type { Command } from 'commander';
import type { ExitCode } from './exit-code.js';
import type { Terminal } from './terminal.js';
import { runTopology, type TopologyAction } from './topology.js';

const ACTIONS: Readonly<Record<TopologyAction, string>> = {
  plan: 'show what would be changed on Pulsar, and change nothing',
  apply: 'make what is missing on Pulsar and put right what differs',
  check: 'like plan, with exit code 1 where anything differs',
};

const SETTINGS_HELP = `
Settings are those of the apps, from the environment or as options, among them:
  --broker <url>            ws://host:8080, wss://…, pulsar://host:6650 or pulsar+ssl://… (MILLRACE_BROKER)
  --broker-admin <url>      the REST API, where it is elsewhere (MILLRACE_BROKER_ADMIN)
  --broker-token-file <f>   file with the token (MILLRACE_BROKER_TOKEN_FILE)
  --broker-retention <d>    how long is kept what everybody has read (MILLRACE_BROKER_RETENTION)
  --tenant, --namespace     where the topics are (MILLRACE_TENANT, MILLRACE_NAMESPACE)
  --pipelines <files>       pipeline files, with commas between (MILLRACE_PIPELINES)

Exit codes: 0 done, 1 something differs (check) or can not be put right, 2 wrong settings, 3 Pulsar does not answer`;

/** `millrace topology plan | apply | check`. */
export function addTopology(program: Command, terminal: Terminal, end: (exitCode: ExitCode) => void): void {
  const topology = program
    .command('topology')
    .description('tenant, namespace, topics, subscriptions and policies that the pipelines need of Pulsar');
  for (const action of ['plan', 'apply', 'check'] as const) {
    topology
      .command(action)
      .description(ACTIONS[action])
      .option('--json', 'one JSON object a difference')
      .allowUnknownOption()
      .allowExcessArguments()
      .addHelpText('after', SETTINGS_HELP)
      .action(async ({ json }: { json?: true }, command: Command) => {
        const settings = { isJson: json === true, args: command.args };
        end(await runTopology(action, settings, terminal));
      });
  }
}
