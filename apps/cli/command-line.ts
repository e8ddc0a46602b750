import { Command, CommanderError } from 'commander';
import { URL_OPTION } from './command-options.js';
import { addDeadLetters } from './dead-letter-commands.js';
import { explainAlert, type ExplainAlertOptions } from './explain-alert.js';
import { explainWindow, type ExplainWindowOptions } from './explain-window.js';
import { EXIT_CODE, type ExitCode } from './exit-code.js';
import { addStorage } from './storage-command.js';
import { addKeys } from './key-commands.js';
import { addTailFile } from './tail-file.js';
import type { Terminal } from './terminal.js';
import { addTopology } from './topology-command.js';
import { testRules } from './test-rules.js';
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
    .action(async (files: string[]) => end(await validate(files, terminal)));
  addDeadLetters(program, terminal, end);
  addExplain(program, terminal, end);
  addKeys(program, terminal, end);
  addTailFile(program, terminal, end);
  addRules(program, terminal, end);
  addTopology(program, terminal, end);
  addStorage(program, terminal, end);
  return program;
}

function addRules(program: Command, terminal: Terminal, end: (exitCode: ExitCode) => void): void {
  program
    .command('rules')
    .description('alert rules')
    .command('test')
    .description('run tests of alert rules in virtual time')
    .argument('<file...>', 'files of kind AlertRuleTests')
    .action((files: string[]) => end(testRules(files, terminal)));
}

function addExplain(program: Command, terminal: Terminal, end: (exitCode: ExitCode) => void): void {
  const explain = program.command('explain').description('say why something is as it is');
  explain
    .command('alert')
    .description('why an alert is firing, or is not, with the values that were compared')
    .requiredOption('--rule <name>', 'the rule')
    .requiredOption('--stream <name>', 'the stream')
    .option('--key <name=value...>', 'values of the key of its series')
    .option('--pipeline <name>', 'its pipeline, where there are several')
    .option(...URL_OPTION)
    .option('--json', 'the whole answer as JSON')
    .action(async (options: ExplainAlertOptions) => end(await explainAlert(options, terminal)));
  explain
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
