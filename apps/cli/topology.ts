import { describeDifference, PipelineTopology } from '#libs/platform';
import { failWith } from './command-failure.js';
import { EXIT_CODE, type ExitCode } from './exit-code.js';
import type { Terminal } from './terminal.js';

export type TopologyAction = 'plan' | 'apply' | 'check';

export interface TopologySettings {
  readonly isJson: boolean;
  /** Settings of the apps, `--broker ws://…`. */
  readonly args: readonly string[];
}

type Differences = Awaited<ReturnType<PipelineTopology['differences']>>;

/** Compares Pulsar with what the pipelines need, and with `apply` puts it right. */
export async function runTopology(
  action: TopologyAction,
  { isJson, args }: TopologySettings,
  terminal: Terminal,
): Promise<ExitCode> {
  try {
    const topology = PipelineTopology.load(args);
    const differences = await (action === 'apply' ? topology.apply() : topology.differences());
    if (isJson) for (const each of differences) terminal.out(JSON.stringify(each));
    else report(action, topology, { differences, terminal });
    return exitCodeOf(action, differences);
  } catch (error) {
    return failWith(error, terminal);
  }
}

function exitCodeOf(action: TopologyAction, differences: Differences): ExitCode {
  if (action === 'apply' || differences.length === 0) return EXIT_CODE.done;
  // What can't be put right is an answer of a plan, too.
  const isRefused = action === 'check' || differences.some(({ isFixed }) => isFixed);
  return isRefused ? EXIT_CODE.refused : EXIT_CODE.done;
}

function report(
  action: TopologyAction,
  { address, topicCount }: PipelineTopology,
  { differences, terminal }: { differences: Differences; terminal: Terminal },
): void {
  const where = `${topicCount} topics on ${address}`;
  if (differences.length === 0) return terminal.out(`${where}: all as wanted`);
  for (const each of differences) terminal.out(describeDifference(each));
  const count = differences.length === 1 ? '1 difference' : `${differences.length} differences`;
  if (action === 'apply') terminal.out(`${where}: ${count} put right`);
  else if (differences.some(({ isFixed }) => isFixed))
    terminal.out(`${where}: ${count}, not all can be put right`);
  else terminal.out(`${where}: ${count}; \`millrace topology apply\` puts it right`);
}
